// Command hole makes ports that take no connection, as behind a firewall that
// drops, until its standard input ends:
//
//	hole ADDRESS:PORT...
//
// It needs no rights: Linux drops a SYN whose listener has its accept queue
// full, and a queue for none is full with one connection.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

func main() {
	for _, arg := range os.Args[1:] {
		if err := dig(arg); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// dig keeps its sockets open until the process ends.
func dig(arg string) error {
	addr, err := netip.ParseAddrPort(arg)
	if err != nil {
		return fmt.Errorf("reading an address: %w", err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a socket: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		return fmt.Errorf("taking %s: %w", addr, err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	filler, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a socket: %w", err)
	}
	if err := syscall.Connect(filler, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		return fmt.Errorf("filling the queue of %s: %w", addr, err)
	}
	if conn, err := net.DialTimeout("tcp4", arg, 300*time.Millisecond); err == nil {
		_ = conn.Close()
		return fmt.Errorf("%s takes connections still", addr)
	}
	return nil
}
