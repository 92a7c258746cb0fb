package hubs

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/cmd/internal/config"
)

// prepareAgain is how long after a failure the streams are prepared again: a cluster
// elects its leader in seconds.
const prepareAgain = 2 * time.Second

// KeepStreams has the hub of a configuration keep what the fleet needs, each time that
// it is reached: it may have lost its folder. It returns when the context ends, or at
// once without a fleet.
func KeepStreams(ctx context.Context, cfg *config.Config, log *slog.Logger) {
	if !cfg.Fleet.IsOn() {
		return
	}
	c, err := Way(cfg, slog.New(slog.DiscardHandler)) // the reader of the fleet says what happens to connections
	if err != nil {
		log.ErrorContext(ctx, "the hub cannot be used", "error", err)
		return
	}
	joined := make(chan struct{}, 1)
	c.Joined = func() {
		select {
		case joined <- struct{}{}:
		default:
		}
	}
	n, err := fleet.Dial(c)
	if err != nil {
		log.ErrorContext(ctx, "the hub cannot be used", "error", err)
		return
	}
	defer n.Close()
	js, err := jetstream.New(n)
	if err != nil {
		log.ErrorContext(ctx, "the hub cannot be used", "error", err)
		return
	}
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-joined:
		}
		for ctx.Err() == nil {
			err := fleet.Prepare(ctx, js, len(n.Servers()))
			if err == nil || !n.IsConnected() {
				said = ""
				break
			}
			if text := err.Error(); text != said {
				said = text
				log.WarnContext(ctx, "the hub's streams are not ready", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(prepareAgain):
			}
		}
	}
}
