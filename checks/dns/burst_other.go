//go:build !linux

package dns

import (
	"errors"
	"net"
)

// write does nothing: other systems take each packet by itself.
func (b *burst) write(*net.UDPConn, int) error { return errors.ErrUnsupported }
