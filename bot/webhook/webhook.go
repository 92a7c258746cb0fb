// Package webhook tells programs, such as those that ring phones: it posts signed
// JSON, or a form of the receiver's own.
//
// # Guarantees
//
// Send succeeds when the receiver answers with 2xx. Each try of a delivery has the
// same Idempotency-Key, by which a receiver recognizes a repetition. Redirects are
// not followed, the certificate must be valid for the URL's host, and the proxy
// variables of the environment are ignored. The URL is a secret: it is in no error.
//
// # Signature
//
// Domovoy-Signature is "t=SECONDS,v1=HEX": the time of the try, and the HMAC-SHA256
// of "SECONDS.BODY" with the secret. With several secrets there is a v1 for each, so
// that the receiver can change its secret at any time.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// Messenger is the name that addresses of webhooks begin with.
const Messenger = bot.Webhook

// Hook is one receiver. Name, URL and Form are required; everything else may be
// zero.
type Hook struct {
	Name    string
	URL     string
	Secrets []string       // each signs; none: no signature
	Form    *Form          // of the body
	Proxy   string         // URL: http, https, socks5 or socks5h; empty: none
	Roots   *x509.CertPool // nil: the system's
}

// Webhooks is a bot.Receiver for all hooks, and a bot.Editor that tells how what was
// told ended. It is safe for concurrent use.
type Webhooks struct {
	hooks  map[string]*hook
	bundle *i18n.Bundle
	now    func() time.Time
}

var _ interface {
	bot.Receiver
	bot.Editor
	bot.Several
} = (*Webhooks)(nil)

// hook is a Hook that is ready to be used.
type hook struct {
	Hook
	url  *url.URL
	http *http.Client
}

// New returns the receiver of all hooks. It does not use the network. It returns an
// error for a URL or a proxy that cannot be valid, without showing it.
func New(hooks []Hook, bundle *i18n.Bundle) (*Webhooks, error) {
	w := &Webhooks{hooks: map[string]*hook{}, bundle: bundle, now: time.Now}
	for _, h := range hooks {
		target, err := parseURL(h.URL, "http", "https")
		if err != nil {
			return nil, fmt.Errorf("preparing the webhook %s: its URL %w", h.Name, err)
		}
		var proxy *url.URL
		if h.Proxy != "" {
			if proxy, err = parseURL(h.Proxy, "http", "https", "socks5", "socks5h"); err != nil {
				return nil, fmt.Errorf("preparing the webhook %s: its proxy %w", h.Name, err)
			}
		}
		w.hooks[h.Name] = &hook{Hook: h, url: target, http: newHTTPClient(proxy, h.Roots)}
	}
	return w, nil
}

// Names lists the hooks, each of which is a server of its own.
func (w *Webhooks) Names() []string { return slices.Sorted(maps.Keys(w.hooks)) }

// parseURL parses a URL. Its errors never contain the URL.
func parseURL(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" {
		for _, scheme := range schemes {
			if u.Scheme == scheme {
				return u, nil
			}
		}
	}
	return nil, fmt.Errorf("is not one with a host and one of %s", strings.Join(schemes, ", "))
}

const (
	dialTimeout = 10 * time.Second
	callTimeout = 30 * time.Second // of the whole call
)

func newHTTPClient(proxy *url.URL, roots *x509.CertPool) *http.Client {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: dialTimeout,
		// Over a connection that was used before, net/http repeats what has an
		// Idempotency-Key by itself, and nobody would mark that repetition.
		DisableKeepAlives: true,
	}
	if proxy != nil {
		transport.Proxy = http.ProxyURL(proxy) // nil: no proxy; environment variables are ignored
	}
	return &http.Client{
		Timeout:   callTimeout,
		Transport: transport,
		// A redirect could send the alert and its signature to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Send posts a message to the hook that the address names. A form may be empty for
// what its receiver is not to be told; then nothing is sent.
func (w *Webhooks) Send(ctx context.Context, to bot.Address, _ string, m reports.Message) (ref string, err error) {
	h, ok := w.hooks[to.Chat]
	if !ok {
		return "", &bot.Permanent{Reason: "no such webhook"}
	}
	body, err := h.Form.write(newBody(w.bundle, m, w.now(), h.url.RawQuery))
	if err != nil {
		return "", &bot.Permanent{Reason: "form", Err: err}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return m.Delivery, nil
	}
	return m.Delivery, h.post(ctx, body, m.Delivery, w.now())
}

// Edit tells a hook that a problem is over of which it was told: it may have rung a
// phone, or keep an alert. Other changes of what was sent are not told.
func (w *Webhooks) Edit(ctx context.Context, to bot.Address, _ string, m reports.Message) error {
	if !m.Facts.Over() {
		return nil
	}
	_, err := w.Send(ctx, to, "", m)
	return err
}

// post makes one request.
func (h *hook) post(ctx context.Context, body []byte, delivery string, now time.Time) error {
	var sent atomic.Bool // the request, whole: it may be acted upon whatever comes then
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			sent.Store(true)
		}
	}}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return &bot.Permanent{Reason: "request", Err: h.conceal(err)}
	}
	request.Header.Set("Content-Type", h.Form.contentType)
	request.Header.Set("User-Agent", "Domovoy")
	if delivery != "" {
		request.Header.Set("Idempotency-Key", delivery)
	}
	if signature := sign(now, body, h.Secrets); signature != "" {
		request.Header.Set("Domovoy-Signature", signature)
	}
	response, err := h.http.Do(request)
	if err != nil {
		return &bot.Unclear{Arrived: sent.Load(), Err: fmt.Errorf("calling the webhook %s: %w", h.Name, h.conceal(err))}
	}
	_ = response.Body.Close() // the status says all, and a body may have no end
	return h.judge(response, now)
}

// concealed is an error without the URL in its text. It has no Unwrap, so that
// nobody prints the original; errors.Is still works.
type concealed struct {
	text string
	err  error
}

func (e *concealed) Error() string { return e.text }

func (e *concealed) Is(target error) bool { return errors.Is(e.err, target) }

// conceal removes from an error's text what is secret of the URL: all after the
// host, and a password.
func (h *hook) conceal(err error) error {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		text = h.url.Scheme + "://" + h.url.Host + ": " + failed.Err.Error()
	}
	for _, secret := range []string{h.URL, h.url.String(), h.url.RequestURI(), h.Proxy} {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return &concealed{text: text, err: err}
}
