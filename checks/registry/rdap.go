package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/openrdap/rdap"

	"domovoy/checks"
)

// askRDAP asks by RDAP (RFC 9082, RFC 9083).
func askRDAP(ctx context.Context, e endpoint, domain string) (Registration, error) {
	server, err := url.Parse(e.rdap)
	if err != nil {
		return Registration{}, err
	}
	request := rdap.NewDomainRequest(domain).WithContext(ctx).WithServer(server)
	transport := newTransport(e.configured())
	defer transport.CloseIdleConnections()
	client := &rdap.Client{HTTP: &http.Client{Transport: bounded{transport}, CheckRedirect: fewRedirects}}
	response, err := client.Do(request)
	switch httpStatus(response) {
	case http.StatusTooManyRequests:
		return Registration{}, ErrQuota
	case http.StatusForbidden:
		return Registration{}, ErrBanned
	}
	var problem *rdap.ClientError
	if errors.As(err, &problem) {
		if problem.Type == rdap.ObjectDoesNotExist {
			if page(response) {
				return Registration{}, fmt.Errorf("%w: a web page in place of an answer", ErrUnclear)
			}
			return Registration{Domain: domain, State: Free, Source: source(response)}, nil
		}
	}
	if err != nil {
		return Registration{}, err
	}
	answer, err := registration(response.Object, domain)
	answer.Source = source(response)
	return answer, err
}

// page reports whether the last answer was a web page: a 404 of a server that
// does not speak RDAP, or not at that path, says nothing about a domain. An
// error of RDAP is an object of JSON, or has no body (RFC 7480 section 5.3).
func page(r *rdap.Response) bool {
	if httpStatus(r) == 0 {
		return false
	}
	last := r.HTTP[len(r.HTTP)-1]
	if strings.Contains(strings.ToLower(last.Response.Header.Get("Content-Type")), "html") {
		return true
	}
	body := bytes.TrimSpace(last.Body)
	return len(body) > 0 && !json.Valid(body)
}

// registration returns what an answer says, if it is about the domain.
func registration(object rdap.RDAPObject, domain string) (Registration, error) {
	found, ok := object.(*rdap.Domain)
	if !ok || found == nil || !strings.EqualFold(strings.TrimSuffix(found.LDHName, "."), domain) {
		return Registration{}, fmt.Errorf("%w: it speaks of something else", ErrUnclear)
	}
	answer := read(found)
	answer.Domain = domain
	return answer, nil
}

// read converts an RDAP domain. The states are those of EPP, with spaces (RFC
// 8056).
func read(found *rdap.Domain) Registration {
	var answer Registration
	var statuses []string
	for _, s := range found.Status {
		statuses = append(statuses, status(s))
	}
	stand(&answer, statuses)
	answer.Servers = len(found.Nameservers) > 0
	if !answer.Servers {
		answer.State = Undelegated
	}
	for _, n := range found.Nameservers {
		answer.NameServers = append(answer.NameServers, shorten(strings.ToLower(strings.TrimSuffix(n.LDHName, "."))))
	}
	answer.NameServers = few(answer.NameServers)
	for _, e := range found.Events {
		switch strings.ToLower(e.Action) {
		case "expiration":
			answer.PaidTill = day(e.Date)
		case "deletion":
			answer.FreeDate = day(e.Date)
		}
	}
	for _, e := range found.Entities {
		if slices.Contains(e.Roles, "registrar") && e.VCard != nil {
			answer.Registrar = shorten(e.VCard.Name())
		}
	}
	return answer
}

// httpStatus returns the last HTTP status of an exchange; 0: there was none.
func httpStatus(r *rdap.Response) int {
	if r == nil || len(r.HTTP) == 0 || r.HTTP[len(r.HTTP)-1].Response == nil {
		return 0
	}
	return r.HTTP[len(r.HTTP)-1].Response.StatusCode
}

// source returns the server that answered.
func source(r *rdap.Response) string {
	if r == nil || len(r.HTTP) == 0 {
		return ""
	}
	u, err := url.Parse(r.HTTP[len(r.HTTP)-1].URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// errPrivate is the error of a server that leads to an address which no registry
// has.
var errPrivate = errors.New("the address is not a public one")

// newTransport makes a transport that connects to public addresses only, wherever
// an answer redirects to, and to the configured server, host:port, wherever that
// is. It uses no proxy of the environment: only the configuration decides.
func newTransport(configured string) *http.Transport {
	plain := net.Dialer{Timeout: dialTimeout}
	public := net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err == nil && checks.Reserved(to.Addr().Unmap()) {
			err = fmt.Errorf("%s: %w", address, errPrivate)
		}
		return err
	}}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == configured {
				return plain.DialContext(ctx, network, address)
			}
			return public.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
	}
}

// configured is where the endpoint is connected to if it is one of the
// configuration; empty: it is not.
func (e endpoint) configured() string {
	if !e.own {
		return ""
	}
	return hostPort(e.rdap)
}

// dialTimeout is for one connection to a registry, and for its TLS handshake.
const dialTimeout = 10 * time.Second

// hostPort is where a URL is connected to; empty for no URL.
func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// fewRedirects follows redirects as RFC 7480 section 5.2 wants, but not in a
// circle.
func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("too many redirects")
	}
	return nil
}

// bounded is a transport that limits bodies to a megabyte: the library reads
// them whole.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, 1<<20), resp.Body}
	}
	return resp, err
}
