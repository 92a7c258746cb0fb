package fleet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// DefaultPort is that of a hub's URL without one.
const DefaultPort = "4222"

// Config is how to reach a hub.
type Config struct {
	URLs   []string // tls://host:port, at least one
	Name   string   // of the agent, which is also the beginning of its inbox; of the bot any
	Key    Key
	CA     string        // PEM of the CAs that the hub's certificate must be of; empty: the system's
	Log    *slog.Logger  // hears of connections lost and made again; not nil
	Lost   func(error)   // called when the connection was lost; may be nil
	Joined func()        // called when it was made, the first time and again; may be nil
	Failed func(error)   // called when the hub refused something, such as a subject; may be nil
	Wait   time.Duration // between attempts, at most; 0: a minute
}

// ErrNoCA is a text without a certificate where a CA is needed.
var ErrNoCA = errors.New("no certificate of a CA")

// Dial connects to the hub and keeps connecting for ever, with a backoff, also if the
// hub cannot be reached now. The error is one of the configuration. While the hub is
// away nothing is buffered: a publish fails, and its caller keeps what it has.
func Dial(c Config) (*nats.Conn, error) {
	trust, err := c.tls()
	if err != nil {
		return nil, err
	}
	if c.Key.IsZero() {
		return nil, ErrNoKey
	}
	log := c.Log
	return nats.Connect(strings.Join(c.URLs, ","),
		nats.Name(c.Name),
		nats.Nkey(c.Key.Public(), c.Key.Sign),
		nats.Secure(trust),
		nats.CustomInboxPrefix(inboxPrefix(c.Name)),
		nats.NoEcho(),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a removed agent may be enrolled again with its key's file replaced
		nats.ReconnectBufSize(-1),
		nats.CustomReconnectDelay(func(attempts int) time.Duration { return pause(attempts, c.Wait) }),
		nats.Timeout(10*time.Second),
		nats.PingInterval(20*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("the connection to the hub was lost", "error", err)
			if c.Lost != nil {
				c.Lost(err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Debug("the hub cannot be reached", "error", err)
			if c.Lost != nil {
				c.Lost(err)
			}
		}),
		nats.ConnectHandler(func(n *nats.Conn) { c.joined(n) }),
		nats.ReconnectHandler(func(n *nats.Conn) { c.joined(n) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("the hub refused something", "error", err)
			if c.Failed != nil {
				c.Failed(err)
			}
		}),
	)
}

func (c Config) joined(n *nats.Conn) {
	c.Log.Info("connected to the hub", "server", n.ConnectedUrlRedacted())
	if c.Joined != nil {
		c.Joined()
	}
}

func (c Config) tls() (*tls.Config, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS13}
	if c.CA != "" {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM([]byte(c.CA)) {
			return nil, ErrNoCA
		}
	}
	return trust, nil
}

// pause is the backoff between attempts: from half a second to the most, and never the
// same for all agents that lost their hub together.
func pause(attempts int, most time.Duration) time.Duration {
	if most == 0 {
		most = time.Minute
	}
	d := min(500*time.Millisecond<<min(max(attempts-1, 0), 10), most)
	return d/2 + rand.N(d/2+1)
}

// ParseURLs reads the addresses of a hub, with commas between them:
// tls://hub.example.com:4222. The port may be absent.
func ParseURLs(text string) ([]string, error) {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Scheme != "tls" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%q is not an address of a hub", one)
		}
		if u.Port() == "" {
			u.Host += ":" + DefaultPort
		}
		all = append(all, u.String())
	}
	return all, nil
}
