package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// heartbeatBound is for one ping.
const heartbeatBound = 10 * time.Second

// observe is the job that reads the panels. After a complete run, if what it
// found could be kept and the test alarms arrive, it pings the heartbeat: a service
// that misses the pings tells people that we are silent.
func (a *App) observe(ctx context.Context, _ time.Time) error {
	if err := a.bot.Alerts.Observe(ctx, time.Now()); err != nil {
		return err
	}
	if !a.cfg.Heartbeat.URL.IsSet() || !a.bot.Healthy() || a.bot.Canary.Late(ctx) {
		return nil
	}
	if err := ping(ctx, a.cfg.Heartbeat.URL.Reveal()); err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "the heartbeat was not received", "error", err)
	}
	return nil
}

// ping sends a GET. Its errors do not contain the URL, which is a secret.
func ping(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatBound)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return errors.New("the URL is not valid")
	}
	request.Header.Set("User-Agent", "domovoy")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy of the environment
	answer, err := client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode >= 300 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}
