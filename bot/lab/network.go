package lab

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Network connects clients with the servers of the lab in memory. It is for a bubble
// of testing/synctest: there, waiting for a connection of the kernel stops the clock.
type Network struct {
	mu      sync.Mutex
	servers map[string]*port // by address
}

// NewNetwork returns a network without servers.
func NewNetwork() *Network { return &Network{servers: map[string]*port{}} }

// Dial connects with the server of an address, as a net.Dialer does.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	p := n.servers[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("nobody listens at %s", address)}
	if p == nil {
		return nil, refused
	}
	ours, theirs := net.Pipe()
	select {
	case p.arrived <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: context.Cause(ctx)}
	}
}

// listen opens a port.
func (n *Network) listen() net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &port{address: address(fmt.Sprintf("server%d.lab:80", len(n.servers)+1)), arrived: make(chan net.Conn), closed: make(chan struct{})}
	n.servers[p.address.String()] = p
	return p
}

// port is the net.Listener of one server.
type port struct {
	address address
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Accept waits for the next connection.
func (p *port) Accept() (net.Conn, error) {
	select {
	case conn := <-p.arrived:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the port; the connections last.
func (p *port) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is where clients find the server.
func (p *port) Addr() net.Addr { return p.address }

// address is that of a server in memory.
type address string

// Network says that there is none but ours.
func (a address) Network() string { return "lab" }

func (a address) String() string { return string(a) }
