package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// write sends the packets over a connected socket as one, to be cut into pieces
// of a size (UDP_SEGMENT of udp(7), since Linux 4.18). The error is
// errors.ErrUnsupported, wrapped, if the kernel or the network card cannot.
func (b *burst) write(conn *net.UDPConn, size int) error {
	if b.control == nil {
		h := unix.Cmsghdr{Level: unix.IPPROTO_UDP, Type: unix.UDP_SEGMENT}
		h.SetLen(unix.CmsgLen(2))
		b.control = make([]byte, unix.CmsgSpace(2))
		if _, err := binary.Encode(b.control, binary.NativeEndian, h); err != nil {
			return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
		}
	}
	binary.NativeEndian.PutUint16(b.control[unix.CmsgLen(0):], uint16(size))
	_, _, err := conn.WriteMsgUDPAddrPort(b.packets, b.control, netip.AddrPort{})
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}
