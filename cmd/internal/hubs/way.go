// Package hubs has what a bot's host does about its hub: it runs one as a program of its
// own, reaches it, and lets agents and other bots in.
package hubs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
	"domovoy/cmd/internal/config"
)

// ErrAway is the error of a hub that does not answer.
var ErrAway = errors.New("the hub cannot be reached")

// Way is how the bot of a configuration reaches its hub.
func Way(cfg *config.Config, log *slog.Logger) (fleet.Config, error) {
	if cfg.Fleet.Listen == "" {
		key, err := fleet.ParseKey(cfg.Fleet.Key.Reveal())
		if err != nil {
			return fleet.Config{}, fmt.Errorf("the key at the hub: %w", err)
		}
		ca, err := cfg.Fleet.CA()
		return fleet.Config{URLs: cfg.Fleet.Addresses(), Name: "bot", Key: key, CA: ca, Log: log}, err
	}
	folder := fleet.Folder(cfg.State)
	key, err := fleet.BotKey(folder)
	if err != nil {
		return fleet.Config{}, fmt.Errorf("the bot's key at its hub: %w", err)
	}
	ca, err := trust.CA(folder)
	if err != nil {
		return fleet.Config{}, fmt.Errorf("the hub's CA: %w", err)
	}
	return fleet.Config{URLs: []string{"tls://" + nearAddress(cfg.Fleet.Listen)}, Name: "bot", Key: key, CA: ca, Log: log, Wait: 5 * time.Second}, nil
}

// nearAddress is where this host reaches what listens on an address.
func nearAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	at := net.ParseIP(host)
	switch {
	case host == "", at != nil && at.IsUnspecified() && at.To4() != nil:
		host = "127.0.0.1"
	case at != nil && at.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// Public is the URL under which agents reach the hub of a configuration; sure is
// false if it is only this host's own name for itself.
func Public(cfg *config.Config) (hub string, sure bool) {
	if cfg.Fleet.Listen == "" {
		return cfg.Fleet.Hub, true
	}
	host, port, err := net.SplitHostPort(cfg.Fleet.Listen)
	if err != nil {
		return "", false
	}
	if public := cfg.Fleet.Public; public != "" {
		if h, p, err := net.SplitHostPort(public); err == nil {
			return "tls://" + net.JoinHostPort(h, p), true
		}
		return "tls://" + net.JoinHostPort(strings.Trim(public, "[]"), port), true
	}
	if at := net.ParseIP(host); at != nil && !at.IsUnspecified() {
		return "tls://" + net.JoinHostPort(host, port), true
	}
	name, err := os.Hostname()
	return "tls://" + net.JoinHostPort(cmp.Or(name, "localhost"), port), err == nil && strings.Contains(name, ".")
}

// names are the names in the hub's certificate besides its addresses.
func names(cfg *config.Config) []string {
	var all []string
	if name, err := os.Hostname(); err == nil && name != "" {
		all = append(all, name)
	}
	if hub, _ := Public(cfg); hub != "" {
		host, _, err := net.SplitHostPort(strings.TrimPrefix(hub, "tls://"))
		if err == nil && !strings.EqualFold(host, cmp.Or(append(all, "")...)) {
			all = append(all, host)
		}
	}
	return all
}

// reachTimeout is how long a command waits for the hub.
const reachTimeout = 5 * time.Second

// Reach connects to the hub once, for a command. The error of a hub that is away is
// ErrAway.
func Reach(ctx context.Context, cfg *config.Config) (*nats.Conn, error) {
	c, err := Way(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	joined, why := make(chan struct{}, 1), make(chan error, 1)
	c.Joined = func() { joined <- struct{}{} }
	c.Lost = func(err error) {
		select {
		case why <- err:
		default:
		}
	}
	n, err := fleet.Dial(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-joined:
		return n, nil
	case err = <-why:
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(reachTimeout):
		err = context.DeadlineExceeded
	}
	n.Close()
	return nil, fmt.Errorf("%w: %w", ErrAway, err)
}
