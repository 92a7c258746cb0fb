// Package internet is a small internet on loopback for testing diagnoses: DNS,
// a registry, web servers, a CA's API, and the situations of one hosted site.
package internet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Lab is a small internet with one hosted site, in one situation.
type Lab struct {
	Domain   string // the name to diagnose
	DNS      *DNS
	Web      *Web
	Registry *Registry
	CA       *CA
	Panel    Panel
	Deadline time.Duration // for one validation, in place of the CA's ten seconds for all its validators together
	Lookups
	draft  draft
	egress closers // the CA's API, and its proxy
}

// Lookups is the part of the configuration about lookups.
type Lookups struct {
	Resolver string    // host:port
	Networks []Network // of CDNs and proxies; the lab's are on loopback
	Lists    []string  // DNS blocklists

	Fronts []netip.Addr // addresses of CDNs in none of the networks: only a CNAME tells whose they are
}

// Panel is what the panel and the configuration contain about the site.
type Panel struct {
	Addresses        []netip.Addr // ours
	Aliases          []string
	Certificate, Key string    // files; empty: the site has no certificate
	Challenges       string    // the folder for tokens
	AccessLog        string    // of the site
	Attempts         []Attempt // to issue, oldest first
	ACME             ACME
}

// ACME is how the panel reaches its CA.
type ACME struct {
	Account          string // its URL
	Directory, Proxy string // URLs of the API and of the proxy; Proxy may be empty
	CAFile           string // the root certificate of the API and of the sites' certificates
}

// Attempt is one line of the panel's issuance log.
type Attempt struct {
	At   time.Time
	Text string // the CA's text; empty: issued
}

// Network is a range of addresses with one owner.
type Network struct {
	Prefix netip.Prefix
	Owner  string
}

// draft is what the steps of a situation change before the servers start.
type draft struct {
	dir     string
	hosts   map[netip.Addr]Host
	served  *tls.Certificate // by every host without one of its own
	file    *tls.Certificate // nil: the file named by the panel does not exist
	key     *tls.Certificate // its key is in the key file
	bundle  func(*tls.Certificate) []byte
	trusted []byte                                      // certificates in PEM that this host trusts beside the root
	status  int                                         // of the ACME directory; 0: 200
	tunnel  func(directory string) func() (int, string) // nil: no proxy
}

// Addresses and names of the lab.
const (
	domain     = "client.ru"
	ownAddr    = "127.80.0.10"
	secondAddr = "127.80.0.11" // one of ours too, in situations with two
	cdnAddr    = "127.90.0.1"
	strangerV4 = "93.184.216.34" // a public address that is not ours; it is never connected to
	strangerV6 = "2606:2800:220:1::1"
)

// newLab creates a healthy site: on one address, with a certificate, in a zone
// of its own, on a panel without errors.
func newLab(dir string) (*Lab, error) {
	own := netip.MustParseAddr(ownAddr)
	l := &Lab{
		Domain: domain, Deadline: Deadline,
		Panel: Panel{Addresses: []netip.Addr{own}, Aliases: []string{"www." + domain}, Challenges: filepath.Join(dir, "challenges"),
			AccessLog:   filepath.Join(dir, domain+".access.log"),
			Certificate: filepath.Join(dir, domain+"_le1.crtca"), Key: filepath.Join(dir, domain+"_le1.key"),
			ACME: ACME{Account: "https://acme-v02.api.letsencrypt.org/acme/acct/1001", CAFile: filepath.Join(dir, "root.pem")}},
		Lookups: Lookups{Networks: []Network{{netip.MustParsePrefix("127.90.0.0/16"), "Cloudflare"}, {netip.MustParsePrefix("127.91.0.0/16"), "DDoS-Guard"}}},
		draft:   draft{dir: dir, hosts: map[netip.Addr]Host{}, bundle: func(c *tls.Certificate) []byte { return ChainPEM(c, false) }},
	}
	var err error
	if l.CA, err = NewCA(); err != nil {
		return l, err
	}
	if l.DNS, err = StartDNS(Zone{Origin: domain, Text: "@ A " + ownAddr + "\nwww A " + ownAddr + "\n"}); err != nil {
		return l, err
	}
	if l.Registry, err = StartRegistry(); err != nil {
		return l, err
	}
	if l.Web, err = StartWeb(); err != nil {
		return l, err
	}
	l.Resolver = l.DNS.Addr()
	l.Registry.Register(registration(domain, true))
	certificate, err := l.CA.Issue(Leaf{Names: []string{domain, "www." + domain}})
	if err != nil {
		return l, err
	}
	l.draft.served, l.draft.file, l.draft.key = certificate, certificate, certificate
	l.draft.hosts[own] = Host{Sites: map[string]http.Handler{"": l.site()}}
	return l, os.MkdirAll(l.Panel.Challenges, 0o750)
}

// site returns the handler of a panel's nginx.
func (l *Lab) site() http.Handler { return Challenges{Dir: l.Panel.Challenges} }

// registration is a name that is registered and paid for.
func registration(name string, delegated bool) Registration {
	now := time.Now()
	return Registration{Domain: name, Delegated: delegated, Registrar: "REGRU-RU", Created: now.AddDate(-3, 0, 0),
		PaidTill: now.AddDate(0, 6, 0), FreeDate: now.AddDate(0, 7, 1), Servers: []string{"ns1." + name}}
}

// open starts the servers with the steps' changes.
func (l *Lab) open() error {
	for addr, host := range l.draft.hosts {
		if host.Certificates == nil && l.draft.served != nil {
			host.Certificates = map[string]*tls.Certificate{"": l.draft.served}
		}
		if err := l.Web.Open(addr, host); err != nil {
			return err
		}
	}
	if err := l.openCA(); err != nil {
		return err
	}
	return l.writeFiles()
}

// openCA starts the server of the CA's API, and its proxy.
func (l *Lab) openCA() error {
	directory, err := StartDirectory(l.CA, l.draft.status)
	if err != nil {
		return err
	}
	l.egress = append(l.egress, directory)
	if l.Panel.ACME.Directory == "" {
		l.Panel.ACME.Directory = directory.URL()
	}
	if l.draft.tunnel == nil {
		return nil
	}
	answer := l.draft.tunnel(directory.Addr())
	tunnel, err := StartTunnel(func(string) (int, string) { return answer() })
	if err != nil {
		return err
	}
	l.egress = append(closers{tunnel}, l.egress...)
	l.Panel.ACME.Proxy = tunnel.URL()
	return nil
}

// writeFiles writes the panel's files.
func (l *Lab) writeFiles() error {
	files := map[string][]byte{l.Panel.ACME.CAFile: append(l.CA.RootPEM(), l.draft.trusted...)}
	if l.draft.file != nil && l.Panel.Certificate != "" {
		files[l.Panel.Certificate] = l.draft.bundle(l.draft.file)
		key, err := KeyPEM(l.draft.key)
		if err != nil {
			return err
		}
		files[l.Panel.Key] = key
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("writing the lab's files: %w", err)
		}
	}
	return nil
}

// Close stops all servers, and waits for them.
func (l *Lab) Close() error {
	all := l.egress.Close()
	if l.Web != nil {
		all = errors.Join(all, l.Web.Close())
	}
	if l.Registry != nil {
		all = errors.Join(all, l.Registry.Close())
	}
	if l.DNS != nil {
		all = errors.Join(all, l.DNS.Close())
	}
	return all
}

// lifetime counts the goroutines of a server, so that its Close can wait for
// all of them: http.Server waits neither for handlers nor for hijacked connections.
type lifetime struct {
	mu      sync.Mutex
	over    bool
	done    chan struct{} // closed by end
	running sync.WaitGroup
	conns   map[net.Conn]struct{} // closed by end, whatever they wait for
}

func newLifetime() *lifetime {
	return &lifetime{done: make(chan struct{}), conns: map[net.Conn]struct{}{}}
}

// enter counts a goroutine, which must call leave; false after end.
func (l *lifetime) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.running.Add(1)
	}
	return !l.over
}

func (l *lifetime) leave() { l.running.Done() }

// start runs f in a goroutine; false after end.
func (l *lifetime) start(f func()) bool {
	if !l.enter() {
		return false
	}
	go func() {
		defer l.leave()
		f()
	}()
	return true
}

// attend runs f for a connection, which f must close; end closes it too.
func (l *lifetime) attend(conn net.Conn, f func()) {
	l.mu.Lock()
	l.conns[conn] = struct{}{}
	l.mu.Unlock()
	if l.start(func() {
		f()
		l.mu.Lock()
		delete(l.conns, conn)
		l.mu.Unlock()
	}) {
		return
	}
	_ = conn.Close() // accepted after end
}

// counted returns a handler whose requests are counted; after end it serves
// none.
func (l *lifetime) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.enter() {
			defer l.leave()
			next.ServeHTTP(w, r)
		}
	})
}

// end stops the server and closes its connections; false if that was done
// before.
func (l *lifetime) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.over = true
	close(l.done)
	for conn := range l.conns {
		_ = conn.Close() // its data is no longer needed
	}
	return true
}

// wait returns when all goroutines have ended.
func (l *lifetime) wait() { l.running.Wait() }
