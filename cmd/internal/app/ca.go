package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"domovoy/bot/cancel"
	"domovoy/bot/watch"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/cmd/internal/config"
)

// caTimeout is for one request to the CA. The load balancer of Let's Encrypt
// closes requests after 30 seconds.
const caTimeout = 30 * time.Second

// limits returns the limits of CAs, from the operator's file if there is one.
func limits(cfg *config.Config) (*budget.Book, error) {
	if file := cfg.Lookups.LimitsFile; file != "" {
		return budget.Load(file)
	}
	return budget.Builtin()
}

// authority returns the panel's account at its CA; nil if the configuration has no
// CA, or its proxy is not known to this user.
func authority(p config.Panel, book *budget.Book) (*watch.CA, error) {
	a := p.ACME
	if a.Directory == "" || a.Proxy.IsSet() && a.Proxy.Reveal() == "" {
		return nil, nil
	}
	directory, err := url.Parse(a.Directory)
	if err != nil {
		return nil, err
	}
	var roots *x509.CertPool // the system's, which are read when they are needed
	if a.CAFile != "" {
		if roots, err = cert.Roots(a.CAFile); err != nil {
			return nil, err
		}
	}
	client, err := toCA(a.Proxy.Reveal(), roots)
	if err != nil {
		return nil, fmt.Errorf("preparing the way to the CA of %s: %w", p.Name, err)
	}
	ca := &watch.CA{Directory: a.Directory, Cap: a.Cap, Account: cancel.LocalAccount{
		Directory: a.Directory, HTTP: client, UserAgent: userAgent, KeyFile: a.AccountKeyFile, Logs: a.Logs}}
	if rules, known := book.Find(directory.Host); known {
		ca.Rules = rules
	}
	return ca, nil
}

// toCA returns a client that connects to a CA in the way that the panel does.
func toCA(proxy string, roots *x509.CertPool) (*http.Client, error) {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
	}
	if proxy != "" {
		way, err := url.Parse(proxy)
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(way)
	}
	return &http.Client{Transport: transport, Timeout: caTimeout}, nil
}
