package app

import (
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"

	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/i18n"
)

// tryHub connects to the hub of another host with the key that the configuration has.
// One of this host runs with its bot.
func (a *App) tryHub(ctx context.Context) []Trial { return TryHub(ctx, a.cfg) }

// TryHub tries the hub of an agent's configuration, or of a bot's that uses another
// host's. The trial that works says so.
func TryHub(ctx context.Context, cfg *config.Config) []Trial {
	if !cfg.Fleet.IsOn() || cfg.Fleet.Listen != "" || cfg.Fleet.Key.Reveal() == "" { // the key may be another user's to read
		return nil
	}
	args := i18n.Args{"Hub": strings.Join(cfg.Fleet.Addresses(), ", "), "Error": ""}
	n, err := hubs.Reach(ctx, cfg)
	if err == nil {
		n.Close()
		return []Trial{{Key: "fleet", Grade: Fine, Says: "hub.reached", Args: args}}
	}
	args["Error"] = short(err)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return []Trial{{Key: "fleet.key_file", Grade: Broken, Says: "hub.refused", Cure: "hub.refused", Args: args}}
	case isForeign(err):
		return []Trial{{Key: "fleet.hub", Grade: Broken, Says: "hub", Cure: "hub.tls", Args: args}}
	}
	return []Trial{{Key: "fleet.hub", Grade: Unknown, Says: "hub", Cure: "hub", Args: args}}
}
