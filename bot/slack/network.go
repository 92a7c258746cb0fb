package slack

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 30 * time.Second // until the header of an answer
	callTimeout   = 2 * time.Minute  // a whole call, uploads included

	// frameBuffer holds the largest answer that Slack takes over the socket
	// (20 KB) in one frame: it does not put fragments together.
	frameBuffer = 32 << 10
)

// parseProxy reads a proxy's URL; nil means none. Its errors never repeat the
// URL, which may hold a password.
func parseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	proxy, err := url.Parse(text)
	if err != nil || proxy.Host == "" {
		return nil, errors.New("not a URL")
	}
	switch proxy.Scheme {
	case "http", "socks5":
	case "socks5h":
		// The same to us: Go always leaves names to the proxy. The
		// WebSocket library knows only the other spelling.
		proxy.Scheme = "socks5"
	default:
		return nil, fmt.Errorf("scheme %q is not one of http, socks5, socks5h", proxy.Scheme)
	}
	return proxy, nil
}

// through is nil for no proxy: the environment is not asked, as the
// configuration alone decides.
func through(proxy *url.URL) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return http.ProxyURL(proxy)
}

func newHTTPClient(proxy *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: callTimeout,
		// Calls carry tokens and Slack redirects none of them, so that
		// following one could only give a token away.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 through(proxy),
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: answerTimeout,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   4,
			ForceAttemptHTTP2:     true,
		},
	}
}

func newDialer(proxy *url.URL) *websocket.Dialer {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &websocket.Dialer{
		Proxy:            through(proxy),
		NetDialContext:   dialer.DialContext,
		HandshakeTimeout: answerTimeout,
		WriteBufferSize:  frameBuffer,
	}
}
