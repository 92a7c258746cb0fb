package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// errOffline is what one says of a CA that cannot be reached.
var errOffline = errors.New("the CA cannot be reached")

// Why an authorization was not cancelled, beside the states that it may have.
const (
	whyPace      = "pace"      // its name had its share of this hour
	whyRefused   = "refused"   // the CA said no
	whyServer    = "server"    // the CA failed again and again
	whyUnchanged = "unchanged" // the CA said yes, and it is as it was
)

// one cancels an authorization if it is still as planned. After whatever is
// not clear it is read again before anything is repeated.
func (x *cancelling) one(ctx context.Context, i cancelItem) error {
	client := x.clients[i.Server]
	for {
		a, err := client.Read(ctx, i.URL)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case busy(err) != nil:
			return err
		case err != nil:
			if again, err := x.troubled(ctx, i, err); !again {
				return err
			}
			continue
		case a.Status == checks.AuthorizationDeactivated && x.step(i.URL).Tries > 0:
			return x.ended(ctx, i, journal.StepDone, "")
		case a.Status != i.Status:
			return x.ended(ctx, i, journal.StepSkipped, string(a.Status))
		}
		if x.step(i.URL).Tries >= actTries {
			return x.ended(ctx, i, journal.StepFailed, whyServer)
		}
		over, err := x.act(ctx, client, i)
		if over || err != nil {
			return err
		}
	}
}

// act asks the CA to cancel, once. over: how it ended is noted.
func (x *cancelling) act(ctx context.Context, client *account.Client, i cancelItem) (over bool, err error) {
	if err := x.pace.Wait(ctx); err != nil {
		return true, err
	}
	late, cancel := lingering(ctx, grace) // a request that is sent is heard to its end
	defer cancel()
	begun, err := x.begun(late, i)
	if err != nil {
		return true, err
	}
	if !begun {
		return true, x.ended(late, i, journal.StepSkipped, whyPace)
	}
	a, err := client.Deactivate(late, i.URL)
	problem, answered := errors.AsType[*account.Problem](err)
	switch {
	case err == nil && a.Status == checks.AuthorizationDeactivated:
		return true, x.ended(late, i, journal.StepDone, "")
	case err == nil:
		return true, x.ended(late, i, journal.StepSkipped, string(a.Status))
	case answered && problem.Status == 429: // RFC 6585: it did nothing
		return true, errors.Join(x.ended(late, i, journal.StepPlanned, ""), err)
	case busy(err) != nil:
		return true, err // it stays begun
	case answered && !problem.Uncertain():
		return true, x.ended(late, i, journal.StepFailed, fmt.Sprintf("%s %d %s", whyRefused, problem.Status, problem.Type))
	}
	return false, nil // nobody knows: it is read again
}

// troubled decides after a read that failed whether to read again.
func (x *cancelling) troubled(ctx context.Context, i cancelItem, err error) (again bool, _ error) {
	if !mayPass(err) {
		return false, x.ended(ctx, i, journal.StepFailed, whyRefused)
	}
	x.mu.Lock()
	s := x.steps[i.URL]
	x.reads[i.URL]++
	tries := x.reads[i.URL]
	x.mu.Unlock()
	if tries < actTries {
		return true, rest(ctx, time.Duration(tries)*time.Second)
	}
	if _, answered := errors.AsType[*account.Problem](err); !answered {
		return false, fmt.Errorf("%w: %w", errOffline, err)
	}
	if s.Tries > 0 {
		return false, fmt.Errorf("%w: %w", errOffline, err) // what became of it must be known
	}
	return false, x.ended(ctx, i, journal.StepFailed, whyServer)
}

// begun notes that an act is about to be done; false: its name had its share.
func (x *cancelling) begun(ctx context.Context, i cancelItem) (bool, error) {
	now := time.Now()
	ok, err := x.task.Bot.journal.BeginStep(ctx, x.task.ID, i.URL, now, now.Add(-nameWindow), mostPerName)
	if ok {
		x.mu.Lock()
		s := x.steps[i.URL]
		s.State, s.Begun, s.Tries = journal.StepBegun, now, s.Tries+1
		x.steps[i.URL] = s
		x.mu.Unlock()
	}
	return ok, err
}

// ended notes how an act ended, and shows how far the task is.
func (x *cancelling) ended(ctx context.Context, i cancelItem, state journal.StepState, note string) error {
	if err := x.task.Bot.journal.EndStep(ctx, x.task.ID, i.URL, state, note); err != nil {
		return err
	}
	x.mu.Lock()
	s := x.steps[i.URL]
	s.State, s.Note = state, note
	if state == journal.StepPlanned {
		s.Tries--
	}
	x.steps[i.URL] = s
	x.mu.Unlock()
	done, total := x.done()
	x.task.Progress(compose.Cancelling(x.task.Writer(), compose.CancelProgress{Task: x.task.ID, Done: done, Total: total, Rest: time.Duration(total-done) * cancelEvery}))
	return nil
}

// verify reads again what was cancelled: what the CA answered is not the
// truth yet. What cannot be read now is left to the CA's word.
func (x *cancelling) verify(ctx context.Context) error {
	for _, server := range x.servers() {
		var urls []string
		for _, u := range x.urls(server) {
			if x.step(u).State == journal.StepDone {
				urls = append(urls, u)
			}
		}
		p := x.task.Bot.watch.panel(server)
		found, _, err := readAll(ctx, p.CA, x.clients[server], urls, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			x.task.Bot.log.WarnContext(ctx, "cancellations are not verified", "server", server, "task", x.task.ID, "error", err)
		}
		for _, a := range found {
			if !a.Status.Final() {
				if err := x.ended(ctx, cancelItem{URL: a.URL}, journal.StepFailed, whyUnchanged); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
