// Command hello is the least that a Go program takes to start.
package main

import "fmt"

func main() { fmt.Println("hello") }
