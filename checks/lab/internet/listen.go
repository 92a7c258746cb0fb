package internet

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// listen finds a port that is free for all servers, and starts them there.
// Who holds it on 127.0.0.1 has it on the other addresses too, but for bad luck.
func (d *DNS) listen() error {
	var udp net.PacketConn
	var tcp net.Listener
	var err error
	for range 20 {
		if udp, tcp, err = listenBoth(netip.AddrPortFrom(resolverAddr(Sound), 0)); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	d.port = tcp.Addr().(*net.TCPAddr).AddrPort().Port()
	d.start(udp, tcp, d.resolver(Sound))
	if err := d.startAt(registryAddr(), d.authority(registryAddr(), Sound)); err != nil {
		return err
	}
	for _, t := range tempers() {
		if t == Dead {
			continue
		}
		if t != Sound {
			if err := d.startAt(resolverAddr(t), d.resolver(t)); err != nil {
				return err
			}
		}
		if err := d.startAt(Server(t), d.authority(Server(t), t)); err != nil {
			return err
		}
	}
	return nil
}

// startAt starts a server at an address of its own, on the common port.
func (d *DNS) startAt(addr netip.Addr, handler dns.Handler) error {
	udp, tcp, err := listenBoth(netip.AddrPortFrom(addr, d.port))
	if err != nil {
		return err
	}
	d.start(udp, tcp, handler)
	return nil
}

// start serves, and returns when both protocols are ready: a shutdown before that would be lost.
func (d *DNS) start(udp net.PacketConn, tcp net.Listener, handler dns.Handler) {
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		ready := make(chan struct{})
		server.NotifyStartedFunc = func() { close(ready) }
		d.servers = append(d.servers, server)
		d.life.start(func() {
			// It ends by Shutdown; what else could end it shows as missing answers.
			_ = server.ActivateAndServe()
		})
		<-ready
	}
}
