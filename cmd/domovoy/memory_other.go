//go:build !linux

package main

// dropProgram does nothing: which pages of the program are mapped is not known
// here.
func dropProgram() {}
