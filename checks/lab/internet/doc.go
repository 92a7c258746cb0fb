// Package internet is a small internet on loopback that a diagnosis can be judged by.
package internet
