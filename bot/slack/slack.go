// Package slack talks with people in Slack over Socket Mode.
//
// # Text
//
// Everything is rendered as rich_text blocks, never as mrkdwn. The words we
// show are mostly foreign (names of domains, error texts of a CA, pages of a
// stranger's web server), and in mrkdwn a stray "*" or "_" garbles them while
// "<!channel>" wakes everybody. A rich_text element is a literal string: it
// needs no escaping, pings nobody, and makes no link out of a domain that may
// belong to somebody else by now. The fallback text of a notification is
// mrkdwn whatever one does; there &, < and > are escaped, as
// https://docs.slack.dev/messaging/formatting-message-text asks.
//
// # Rights
//
// The app needs the scopes app_mentions:read, chat:write, commands and
// files:write, and connections:write for its xapp token; im:history too if
// people shall talk to it in a direct message without the slash command.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/i18n"
)

// name is the messenger's name in addresses and people's ids.
const name = "slack"

// Config is what Slack needs to be reached.
type Config struct {
	BotToken string       // xoxb-…, for calls
	AppToken string       // xapp-…, for the socket
	APIURL   string       // empty: Slack's own
	Proxy    string       // http:// or socks5:// URL, for calls and the socket; empty: none
	Log      *slog.Logger // may be nil
}

// Slack is a messenger. It is safe for concurrent use.
type Slack struct {
	api    *slackgo.Client
	http   *http.Client
	dialer *websocket.Dialer
	bundle *i18n.Bundle
	pace   *pace.Keyed[string]                        // by channel
	pause  func(context.Context, time.Duration) error // returns early when the context ends
	hide   *strings.Replacer
	log    *slog.Logger
}

var _ bot.Messenger = (*Slack)(nil)

// New prepares a messenger without calling Slack: whether the tokens are any
// good is found out by Listen, so that the bot starts without a network.
func New(config Config, bundle *i18n.Bundle) (*Slack, error) {
	if !strings.HasPrefix(config.BotToken, "xoxb-") {
		return nil, errors.New("the bot token does not begin with xoxb-")
	}
	if !strings.HasPrefix(config.AppToken, "xapp-") {
		return nil, errors.New("the app token does not begin with xapp-")
	}
	proxy, err := parseProxy(config.Proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	s := &Slack{
		http:   newHTTPClient(proxy),
		dialer: newDialer(proxy),
		bundle: bundle,
		pace:   newPace(),
		pause:  pause,
		hide:   newReplacer(config, proxy),
		log:    config.Log,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	// No retries in the library: the outbox has a schedule of its own, and
	// it survives a restart.
	s.api = slackgo.New(config.BotToken, append(apiURL(config.APIURL),
		slackgo.OptionAppLevelToken(config.AppToken),
		slackgo.OptionHTTPClient(s.http),
	)...)
	return s, nil
}

// apiURL ends the address with the slash that the library counts on.
func apiURL(url string) []slackgo.Option {
	if url == "" {
		return nil
	}
	return []slackgo.Option{slackgo.OptionAPIURL(strings.TrimSuffix(url, "/") + "/")}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

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
