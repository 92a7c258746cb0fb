package web

import (
	"crypto/tls"
	"net"
)

// reset cuts the connection with RST, once the request is there.
func reset(c net.Conn) {
	c.Read(make([]byte, 1))
	c.(*net.TCPConn).SetLinger(0)
}

// readAndClose takes the request and says goodbye.
func readAndClose(c net.Conn) { c.Read(make([]byte, 4096)) }

// blurt answers whatever comes with the same bytes.
func blurt(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 4096))
		c.Write([]byte(text))
		c.Read(make([]byte, 1)) // let the visitor leave first
	}
}

// oldTLS serves the files over TLS 1.1.
func (s *stage) oldTLS(address string) {
	server := s.serve(address, s.https, s.files)
	server.TLS.MinVersion, server.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
}
