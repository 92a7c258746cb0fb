//go:build !linux

package main

// lowerPriority does nothing: ISPmanager runs on Linux only.
func lowerPriority() error { return nil }
