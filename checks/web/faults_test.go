package web

import (
	"crypto/tls"
	"net"
	"time"
)

// reset closes the connection with RST after the request was received.
func reset(c net.Conn) {
	c.Read(make([]byte, 1))
	c.(*net.TCPConn).SetLinger(0)
}

// readAndClose reads the request and closes the connection.
func readAndClose(c net.Conn) { c.Read(make([]byte, 4096)) }

// blurt sends the same bytes, whatever is requested.
func blurt(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 4096))
		c.Write([]byte(text))
		c.Read(make([]byte, 1)) // wait until the client closes
	}
}

// breakOff sends the same bytes, and closes the connection.
func breakOff(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 4096))
		c.Write([]byte(text))
	}
}

// trickle sends a page whose body comes byte by byte, and never ends.
func trickle(c net.Conn) {
	c.Read(make([]byte, 4096))
	c.Write([]byte("HTTP/1.1 404 Not Found\r\n\r\n"))
	each := time.NewTicker(100 * time.Millisecond)
	defer each.Stop()
	for range each.C {
		if _, err := c.Write([]byte("x")); err != nil {
			return
		}
	}
}

// oldTLS serves the files over TLS 1.1.
func (s *stage) oldTLS(address string) {
	server := s.serve(address, s.https, s.files)
	server.TLS.MinVersion, server.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
}
