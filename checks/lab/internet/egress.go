package internet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
)

// Directory serves the directory of a CA's API: the JSON document of RFC 8555
// section 7.1.1 over TLS, at 127.0.0.1.
type Directory struct {
	listener net.Listener
	server   *http.Server
	life     *lifetime
}

// directoryJSON is the directory; its URLs are not used here.
const directoryJSON = `{
  "newNonce": "https://%[1]s/acme/new-nonce",
  "newAccount": "https://%[1]s/acme/new-acct",
  "newOrder": "https://%[1]s/acme/new-order",
  "revokeCert": "https://%[1]s/acme/revoke-cert",
  "keyChange": "https://%[1]s/acme/key-change",
  "renewalInfo": "https://%[1]s/acme/renewal-info",
  "meta": {"profiles": {"classic": "https://%[1]s/docs/profiles#classic"}, "termsOfService": "https://%[1]s/terms"}
}
`

// StartDirectory starts a server with a certificate for localhost and 127.0.0.1
// signed by the CA. A status other than 200 is answered in place of the
// directory; 0 means 200.
func StartDirectory(ca *CA, status int) (*Directory, error) {
	certificate, err := ca.Issue(Leaf{Names: []string{"localhost", "acme-v02.api.letsencrypt.org"}})
	if err != nil {
		return nil, fmt.Errorf("starting the lab's ACME directory: %w", err)
	}
	d := &Directory{life: newLifetime()}
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the lab's ACME directory: %w", err)
	}
	d.server = &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: d.life.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case status != 0 && status != http.StatusOK:
			write(w, status, nginxPage(http.StatusText(status)))
		case r.URL.Path != "/directory":
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, directoryJSON, r.Host)
		}
	}))}
	secure := tls.NewListener(d.listener, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12})
	d.life.start(func() { _ = d.server.Serve(secure) }) // ends with Close
	return d, nil
}

// Addr returns the address on which it listens.
func (d *Directory) Addr() string { return d.listener.Addr().String() }

// URL returns the URL of the directory, with the name of the certificate.
func (d *Directory) URL() string {
	_, port, _ := net.SplitHostPort(d.Addr())
	return "https://localhost:" + port + "/directory"
}

// Close stops it.
func (d *Directory) Close() error {
	if !d.life.end() {
		return nil
	}
	err := d.server.Close()
	d.life.wait()
	return ignoreClosed(err)
}

// Tunnel is an HTTP proxy that supports only CONNECT (RFC 9110 section 9.3.6),
// like squid with a list of allowed hosts.
type Tunnel struct {
	listener net.Listener
	server   *http.Server
	life     *lifetime
	answer   func(host string) (status int, to string)
}

// StartTunnel starts a proxy. The function returns, for a requested host:port,
// 200 and the address to connect to, or the status of the refusal.
func StartTunnel(answer func(hostport string) (status int, to string)) (*Tunnel, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the lab's proxy: %w", err)
	}
	p := &Tunnel{listener: listener, answer: answer, life: newLifetime()}
	p.server = &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: p.life.counted(p)}
	p.life.start(func() { _ = p.server.Serve(listener) }) // ends with Close
	return p, nil
}

// Allow returns a function for StartTunnel that allows one host:port, connects
// to an address for it, and refuses others.
func Allow(hostport, to string, refusal int) func(string) (int, string) {
	return func(asked string) (int, string) {
		if asked == hostport {
			return http.StatusOK, to
		}
		return refusal, ""
	}
}

// URL returns the URL for a client's configuration.
func (p *Tunnel) URL() string { return "http://" + p.listener.Addr().String() }

// ServeHTTP refuses, or copies between both connections until one of them ends.
func (p *Tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		refuse(w, http.StatusForbidden)
		return
	}
	status, to := p.answer(r.Host)
	if status != http.StatusOK {
		refuse(w, status)
		return
	}
	far, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", to)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	defer far.Close()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	p.life.start(func() { _, _ = io.Copy(far, buffered); ended <- struct{}{} })
	p.life.start(func() { _, _ = io.Copy(near, far); ended <- struct{}{} })
	select {
	case <-ended:
	case <-p.life.done:
	}
}

// refuse answers like squid.
func refuse(w http.ResponseWriter, status int) {
	if status == http.StatusProxyAuthRequired {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
	}
	w.Header().Set("Server", "squid/5.7")
	w.Header().Set("X-Squid-Error", "ERR_ACCESS_DENIED 0")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><title>ERROR: The requested URL could not be retrieved</title></html>")
}

// Close stops it and closes every tunnel.
func (p *Tunnel) Close() error {
	if !p.life.end() {
		return nil
	}
	err := p.server.Close()
	p.life.wait()
	return ignoreClosed(err)
}

// ignoreClosed returns nil if the error is that the listener was already
// closed.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
