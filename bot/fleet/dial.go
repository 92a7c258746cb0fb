package fleet

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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
	Lost   func(error)   // called when there is no connection, for each attempt; may be nil
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
	d := &dialled{Config: c}
	n, err := nats.Connect(strings.Join(c.URLs, ","),
		nats.Name(c.Name),
		nats.Nkey(c.Key.Public(), c.Key.Sign),
		nats.Secure(trust),
		nats.CustomInboxPrefix(inboxPrefix(c.Name)),
		nats.NoEcho(),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a removed agent may be enrolled again with its key's file replaced
		nats.ReconnectBufSize(-1),
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			if n := d.conn.Load(); n != nil {
				d.lost(n.LastError()) // of a hub that was reached, but let us not in: no handler hears of that at first
			}
			return pause(attempts, c.Wait)
		}),
		nats.Timeout(10*time.Second),
		nats.PingInterval(20*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(n *nats.Conn, err error) {
			if !n.IsClosed() { // by its owner, who need not hear of it
				d.lost(cmp.Or(err, ErrLost))
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { d.lost(err) }),
		nats.ConnectHandler(d.joined),
		nats.ReconnectHandler(d.joined),
		nats.ErrorHandler(func(n *nats.Conn, _ *nats.Subscription, err error) { d.failed(n, err) }),
	)
	if err == nil {
		d.conn.Store(n)
	}
	return n, err
}

// ErrLost is a connection that ended without a reason.
var ErrLost = errors.New("the connection ended")

// dialled says what happens to a connection: the same only once.
type dialled struct {
	Config
	conn atomic.Pointer[nats.Conn]

	mu   sync.Mutex
	said string // why there is no connection; empty: there is one
}

// lost is called for each failed attempt; nil is none.
func (d *dialled) lost(err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	again := d.said == err.Error()
	d.said = err.Error()
	d.mu.Unlock()
	if !again {
		d.Log.Warn("no connection to the hub", "hub", strings.Join(d.URLs, ","), "error", err)
	}
	if d.Lost != nil {
		d.Lost(err)
	}
}

func (d *dialled) joined(n *nats.Conn) {
	d.mu.Lock()
	d.said = ""
	d.mu.Unlock()
	d.Log.Info("connected to the hub", "hub", n.ConnectedUrlRedacted())
	if d.Joined != nil {
		d.Joined()
	}
}

// failed is called for what a server refuses of a connection that it keeps.
func (d *dialled) failed(n *nats.Conn, err error) {
	if n.Status() != nats.CONNECTED && !errors.Is(err, nats.ErrPermissionViolation) {
		d.lost(err)
		return
	}
	d.Log.Warn("the hub refused something", "error", err)
	if d.Failed != nil {
		d.Failed(err)
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

// IsRefused reports whether a connection failed because the hub does not know its key,
// or no more.
func IsRefused(err error) bool {
	return err != nil && strings.EqualFold(err.Error(), nats.ErrAuthorization.Error())
}
