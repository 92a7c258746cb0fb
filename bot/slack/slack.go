// Package slack talks with people in Slack over Socket Mode.
//
// # Text
//
// Messages are rendered as rich_text blocks, never as mrkdwn. Much of their text
// is not ours (domain names, error texts of a CA, pages of any web server), and in
// mrkdwn a "*" or "_" would garble it while "<!channel>" would notify everybody. A
// rich_text element is a literal string: it needs no escaping, notifies nobody,
// and makes no link out of a domain that may have a new owner by now. The fallback
// text of a notification is always mrkdwn; in it &, < and > are escaped, as
// https://docs.slack.dev/messaging/formatting-message-text says.
//
// # Rights
//
// The app needs the scopes app_mentions:read, chat:write, commands and
// files:write, and connections:write for its xapp token; also im:history if
// people are to talk to it in direct messages without the slash command.
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
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/i18n"
)

// name is the messenger's name in addresses and in people's ids.
const name = "slack"

// Config configures New. The tokens are required; everything else may be zero.
type Config struct {
	BotToken string       // xoxb-…, for calls of the Web API
	AppToken string       // xapp-…, for Socket Mode
	APIURL   string       // of the Web API; empty: Slack's own
	Proxy    string       // URL: http, socks5 or socks5h, for calls and the socket; empty: none
	Log      *slog.Logger // nil: no log

	// Dial connects with Slack's servers, or with the proxy; nil: by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Slack is a bot.Messenger. It is safe for concurrent use.
type Slack struct {
	api    *slackgo.Client
	http   *http.Client
	dialer *websocket.Dialer
	bundle *i18n.Bundle
	pace   *pace.Keyed[string]                        // by channel
	sleep  func(context.Context, time.Duration) error // pace.Sleep; another one in tests
	hide   *strings.Replacer
	off    *atomic.Bool // Socket Mode, as Slack said last
	log    *slog.Logger
}

var (
	_ bot.Messenger = (*Slack)(nil)
	_ bot.Threader  = (*Slack)(nil)
	_ bot.Prober    = (*Slack)(nil)
	_ bot.Trier     = (*Slack)(nil)
	_ bot.Paced     = (*Slack)(nil)
)

// New returns a Slack. It does not use the network, so that the program can start
// while Slack cannot be reached; Listen finds out whether the tokens are valid. It
// returns an error for a token or a proxy that cannot be valid.
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
	dial := config.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	off := &atomic.Bool{}
	s := &Slack{
		http:   newHTTPClient(proxy, dial, off),
		off:    off,
		dialer: newDialer(proxy, dial),
		bundle: bundle,
		pace:   newPace(),
		sleep:  pace.Sleep,
		hide:   newReplacer(config, proxy),
		log:    config.Log,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	// The library does not retry: the outbox does, also after a restart.
	s.api = slackgo.New(config.BotToken, append(apiURL(config.APIURL),
		slackgo.OptionAppLevelToken(config.AppToken),
		slackgo.OptionHTTPClient(s.http),
	)...)
	return s, nil
}

// Probe asks whose token it is.
func (s *Slack) Probe(ctx context.Context) error {
	_, err := s.api.AuthTestContext(ctx)
	return s.explain("asking Slack who we are", err, false)
}

// TryTokens asks Slack to take both tokens: that of the bot, and that of the app, for
// which it asks for the address of a socket without connecting to it.
func (s *Slack) TryTokens(ctx context.Context) error {
	if err := s.Probe(ctx); err != nil {
		return err
	}
	_, _, err := s.api.StartSocketModeContext(ctx)
	return s.explain("asking Slack for a socket", err, false)
}

// CanSend looks at the channel (https://docs.slack.dev/reference/methods/conversations.info),
// for which the app needs the scopes channels:read and groups:read.
func (s *Slack) CanSend(ctx context.Context, to bot.Address) error {
	channel, err := s.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: to.Chat})
	if code(err) == missingScope {
		return &bot.Permanent{Reason: missingScope, Err: err}
	}
	if err != nil {
		return s.explain("looking at the channel", err, false)
	}
	switch {
	case channel.IsArchived:
		return &bot.Permanent{Reason: "is_archived", Chat: true}
	case !channel.IsMember && !channel.IsIM:
		return &bot.Permanent{Reason: "not_in_channel", Chat: true}
	}
	return nil
}

// missingScope is Slack's refusal of a call for which the app has no right.
const missingScope = "missing_scope"

// apiURL adds the final slash that the library expects.
func apiURL(url string) []slackgo.Option {
	if url == "" {
		return nil
	}
	return []slackgo.Option{slackgo.OptionAPIURL(strings.TrimSuffix(url, "/") + "/")}
}

const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 30 * time.Second // until the header of a response
	callTimeout   = 2 * time.Minute  // of a call, uploads included

	// frameBuffer holds the largest response that Slack accepts over the socket
	// (20 KB) in one frame: Slack does not reassemble fragments.
	frameBuffer = 32 << 10
)

// parseProxy parses a proxy's URL; nil: there is none. Its errors never contain the
// URL, which may have a password.
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
		// Go lets the proxy resolve names in both cases, and the WebSocket
		// library knows only socks5.
		proxy.Scheme = "socks5"
	default:
		return nil, fmt.Errorf("scheme %q is not one of http, socks5, socks5h", proxy.Scheme)
	}
	return proxy, nil
}

// proxyOf returns a transport's Proxy function. It is nil without a proxy, so that
// environment variables are ignored: only the configuration decides.
func proxyOf(proxy *url.URL) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return http.ProxyURL(proxy)
}

// dialer connects with a server.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

func newHTTPClient(proxy *url.URL, dial dialer, off *atomic.Bool) *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		// Slack redirects no call, and following a redirect could send a token
		// to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: watchful{lean{&http.Transport{
			Proxy:                 proxyOf(proxy),
			DialContext:           dial,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: answerTimeout,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   4,
			ForceAttemptHTTP2:     true,
		}}, off},
	}
}

func newDialer(proxy *url.URL, dial dialer) *websocket.Dialer {
	return &websocket.Dialer{
		Proxy:            proxyOf(proxy),
		NetDialContext:   dial,
		HandshakeTimeout: answerTimeout,
		WriteBufferSize:  frameBuffer,
	}
}
