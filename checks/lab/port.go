package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
)

// FreeAddress returns an address of loopback, with a port, that nobody listens on, for a
// program that cannot choose one itself. The port is below those that systems give to
// outgoing connections (Linux: 32768 and above), so that none takes it meanwhile.
func FreeAddress() (string, error) {
	const lowest, above, tries = 20_000, 32_000, 100
	var err error
	for range tries {
		var l net.Listener
		l, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(above-lowest)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return "", fmt.Errorf("finding a free port: %w", err)
}
