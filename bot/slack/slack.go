package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
