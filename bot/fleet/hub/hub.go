// Package hub is the NATS server with JetStream that a bot starts for its fleet. It
// keeps everything in one folder: its CA and certificate, its users, and the streams.
// Only the program domovoy-hub has it: the bot itself links no server.
package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
)

// Config is how a hub is started.
type Config struct {
	Folder   string   // made if it is not there
	Listen   string   // address and port; port 0: any free one
	Names    []string // under which agents reach it, besides its addresses
	MaxStore int64    // bytes of the streams on disk; 0: as much as the disk can spare, at most 10 GiB
	Log      *slog.Logger
}

// Limits of connections.
const (
	maxConnections = 4096
	maxPerUser     = 8 // an agent that lost its connections leaves some that are found dead later
	mostStore      = 10 << 30
	syncEvery      = 10 * time.Second // what a power cut may cost
	lookEvery      = 500 * time.Millisecond
	renewEvery     = 12 * time.Hour
)

// Hub is a running server.
type Hub struct {
	config Config
	log    *logger
	server *server.Server
	users  *users
	shown  atomic.Pointer[tls.Certificate]
	own    *nats.Conn // inside the process
	cancel context.CancelFunc
	done   chan struct{}

	release func()                      // the folder
	read    atomic.Pointer[os.FileInfo] // the users' file as it was read last
}

// ErrRunning is the error of Start if another hub has the folder.
var ErrRunning = errors.New("another hub runs in this folder")

// alone holds the folder: two servers would destroy each other's streams.
func alone(folder string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, "running"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", folder, ErrRunning)
	}
	return func() { _ = f.Close() }, nil
}

// ErrPort is the error of Start if another program has the port.
var ErrPort = errors.New("another program listens on this port")

// Start starts a hub. Its owner stops it: the end of the context does not.
func Start(ctx context.Context, c Config) (started *Hub, err error) {
	if err := os.MkdirAll(filepath.Join(c.Folder, "streams"), 0o700); err != nil {
		return nil, err
	}
	release, err := alone(c.Folder)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	key, err := fleet.NewKey()
	if err != nil {
		return nil, err
	}
	log := newLogger(c.Log)
	h := &Hub{config: c, log: log, users: newUsers(log, key.Public()), done: make(chan struct{}), release: release}
	if err := h.readUsers(); err != nil {
		return nil, err
	}
	if err := h.renew(time.Now()); err != nil {
		return nil, err
	}
	options, err := h.options(ctx)
	if err != nil {
		return nil, err
	}
	if h.server, err = server.NewServer(options); err != nil {
		return nil, err
	}
	h.server.SetLoggerV2(log, false, false, false)
	h.users.server.Store(h.server)
	h.server.Start()
	if !h.server.ReadyForConnections(30 * time.Second) {
		h.server.Shutdown()
		return nil, errors.Join(errors.New("the server does not start"), log.fatal())
	}
	if err := h.listenToBots(key); err != nil {
		h.server.Shutdown()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	go h.keep(ctx)
	return h, nil
}

// options are those of the server.
func (h *Hub) options(ctx context.Context) (*server.Options, error) {
	host, text, err := net.SplitHostPort(h.config.Listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	} else if err := free(ctx, h.config.Listen); err != nil {
		return nil, err
	}
	store := h.config.MaxStore
	if store == 0 {
		if store, err = spare(h.config.Folder); err != nil {
			return nil, err
		}
	}
	return &server.Options{
		ServerName: "domovoy-hub", Host: host, Port: port, NoSigs: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: filepath.Join(h.config.Folder, "streams"), JetStreamMaxStore: store, JetStreamMaxMemory: 64 << 20, SyncInterval: syncEvery,
		MaxPayload: fleet.MaxRecord + 4<<10, MaxConn: maxConnections, MaxPending: 16 << 20, MaxSubs: 1000, // a record's headers come on top
		CustomClientAuthentication: h.users, AlwaysEnableNonce: true, AuthTimeout: 10, TLSTimeout: 10,
		PingInterval: 20 * time.Second, MaxPingsOut: 2, WriteDeadline: 10 * time.Second,
		TLS: true, TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS13,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.shown.Load(), nil },
		},
	}, nil
}

// free reports whether the port can be listened on.
func free(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w", address, ErrPort)
	}
	if err != nil {
		return err
	}
	return l.Close()
}

// spare is how much the streams may take: half of what is free besides them.
func spare(folder string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, err
	}
	used := int64(0)
	err := filepath.WalkDir(filepath.Join(folder, "streams"), func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				used += info.Size()
			}
		}
		return nil
	})
	return min((int64(disk.Bavail)*disk.Bsize+used)/2, mostStore), err
}

// listenToBots answers a bot's request to read the users again.
func (h *Hub) listenToBots(key fleet.Key) error {
	n, err := nats.Connect("", nats.InProcessServer(h.server), nats.Nkey(key.Public(), key.Sign), nats.Name("hub"))
	if err != nil {
		return err
	}
	h.own = n
	_, err = n.Subscribe(fleet.UsersSubject, func(m *nats.Msg) {
		text := ""
		if err := h.readUsers(); err != nil {
			text = err.Error()
		}
		_ = m.Respond([]byte(text)) // who asked hears nothing and says so
	})
	if err != nil {
		return err
	}
	return n.Flush()
}

// keep notices that the users' file changed, tells what was refused, and renews the
// certificate.
func (h *Hub) keep(ctx context.Context) {
	defer close(h.done)
	look, renew := time.NewTicker(lookEvery), time.NewTicker(renewEvery)
	defer look.Stop()
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			h.tellRefusals()
			was := h.read.Load()
			is, err := os.Stat(fleet.MembersFile(h.config.Folder))
			if err != nil || was != nil && os.SameFile(*was, is) && (*was).ModTime().Equal(is.ModTime()) {
				continue
			}
			if err := h.readUsers(); err != nil {
				h.config.Log.Error("the users cannot be read, the old ones stay", "file", fleet.MembersFile(h.config.Folder), "error", err.Error())
			}
		case <-renew.C:
			if err := h.renew(time.Now()); err != nil {
				h.config.Log.Error("the hub's certificate cannot be renewed", "error", err)
			}
		}
	}
}

// tellRefusals tells the bots what was refused.
func (h *Hub) tellRefusals() {
	counts := h.log.take()
	if counts == nil {
		return
	}
	data, err := fleet.Encode(counts)
	if err == nil {
		err = h.own.Publish(fleet.RefusalsSubject, data)
	}
	if err != nil {
		h.config.Log.Error("the bots are not told what was refused", "error", err)
	}
}

// readUsers reads the users, and disconnects who is one no more.
func (h *Hub) readUsers() error {
	if info, err := os.Stat(fleet.MembersFile(h.config.Folder)); err == nil { // before it is read: it may change now
		h.read.Store(&info)
	}
	m, err := fleet.ReadMembers(h.config.Folder)
	if err != nil {
		return err
	}
	h.users.replace(m)
	return nil
}

// renew reads the hub's certificate, or makes a new one.
func (h *Hub) renew(now time.Time) error {
	c, err := trust.Certificate(h.config.Folder, h.names(), now)
	if err == nil {
		h.shown.Store(&c)
	}
	return err
}

// names are all names and addresses of the hub.
func (h *Hub) names() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, h.config.Names...)
	if host, _, err := net.SplitHostPort(h.config.Listen); err == nil {
		if at := net.ParseIP(host); at != nil && !at.IsUnspecified() {
			return append(names, host)
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// Addr is where the hub listens.
func (h *Hub) Addr() net.Addr { return h.server.Addr() }

// Stop ends the hub, with everything on disk.
func (h *Hub) Stop() {
	h.cancel()
	<-h.done
	h.own.Close()
	h.server.Shutdown()
	h.server.WaitForShutdown()
	h.release()
}
