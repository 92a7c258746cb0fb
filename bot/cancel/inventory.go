package cancel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/pace"
	"domovoy/i18n"
)

// Bounds of reading authorizations.
const (
	readers   = 16 // read at once
	readTries = 3

	// firstNonces is how far apart the readers begin: each needs a nonce of its
	// own, and Let's Encrypt issues 20 a second. Later ones come with the answers.
	firstNonces = 60 * time.Millisecond
)

// inventory is what an account has at its CA, as far as it can be found.
type inventory struct {
	panel  *watch.Panel
	client watch.Authorizations
	key    watch.KeyTrouble
	found  account.Found
	given  int // URLs that the selection named
	seen   []checks.Authorization
	unread int
}

// inventory finds the authorizations that a selection is about, and reads each
// at the CA. progress is called with how many are read.
func (c *Canceller) inventory(ctx context.Context, p *watch.Panel, selected Selection, progress func(done, total int)) (*inventory, error) {
	s := &inventory{panel: p}
	var err error
	if s.client, s.key, err = p.CA.Account.Open(ctx); err != nil {
		return nil, caRefusal(p, err)
	}
	urls := slices.DeleteFunc(slices.Clone(selected.URLs), func(u string) bool { return !s.client.Belongs(u) })
	s.given = len(urls)
	if selected.All || len(selected.Names) > 0 {
		if s.found, err = s.client.Discover(ctx); err != nil {
			return nil, caRefusal(p, err)
		}
		for _, seen := range s.found.URLs {
			urls = append(urls, seen.URL)
		}
	}
	slices.Sort(urls)
	s.seen, s.unread, err = readAll(ctx, p.CA, s.client, slices.Compact(urls), progress)
	return s, caRefusal(p, err)
}

// readAll reads authorizations, a few at a time and not too fast. Those that
// cannot be read are counted; when the CA asks us to retry later, or none can
// be read, that is the error.
func readAll(ctx context.Context, ca *watch.CA, client watch.Authorizations, urls []string, progress func(done, total int)) (found []checks.Authorization, unread int, err error) {
	group, bounded := errgroup.WithContext(ctx)
	x := &authorizations{ca: client, pace: rate.NewLimiter(rate.Limit(readRate(ca)), 1), urls: urls, total: len(urls), progress: progress}
	for n := range min(readers, len(urls)) {
		group.Go(func() error {
			if err := pace.Sleep(bounded, time.Duration(n)*firstNonces); err != nil {
				return err
			}
			return x.read(bounded)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	if len(x.found) == 0 && x.unread > 0 {
		return nil, x.unread, x.last
	}
	slices.SortFunc(x.found, func(a, b checks.Authorization) int { return strings.Compare(a.URL, b.URL) })
	return x.found, x.unread, ctx.Err()
}

// authorizations are being read by several readers.
type authorizations struct {
	ca       watch.Authorizations
	pace     *rate.Limiter
	total    int
	progress func(done, total int) // may be nil

	mu     sync.Mutex
	urls   []string // still to be read; this and the rest are guarded by mu
	found  []checks.Authorization
	unread int
	last   error // of those that could not be read
}

// read is one reader's part.
func (x *authorizations) read(ctx context.Context) error {
	for u, ok := x.take(); ok; u, ok = x.take() {
		a, err := readOne(ctx, x.ca, x.pace, u)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case busy(err) != nil, errors.Is(err, account.ErrKeyNeeded):
			return err
		}
		x.keep(a, err)
	}
	return nil
}

func (x *authorizations) take() (u string, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.urls) == 0 {
		return "", false
	}
	u, x.urls = x.urls[0], x.urls[1:]
	return u, true
}

func (x *authorizations) keep(a checks.Authorization, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		x.unread, x.last = x.unread+1, err
	} else {
		x.found = append(x.found, a)
	}
	if x.progress != nil {
		x.progress(len(x.found)+x.unread, x.total)
	}
}

// readOne reads an authorization; what may pass by itself is tried again.
func readOne(ctx context.Context, client watch.Authorizations, limit *rate.Limiter, u string) (a checks.Authorization, err error) {
	for try := range readTries {
		if err := pace.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return a, err
		}
		if err := limit.Wait(ctx); err != nil {
			return a, err
		}
		a, err = client.Read(ctx, u)
		if err == nil || busy(err) != nil || !mayPass(err) {
			return a, err
		}
	}
	return a, err
}

// busy is the CA's request to retry later; nil: it made none.
func busy(err error) *account.Problem {
	if p, ok := errors.AsType[*account.Problem](err); ok && p.Busy() {
		return p
	}
	return nil
}

// mayPass reports whether another try may go better: the CA failed, or did
// not answer at all.
func mayPass(err error) bool {
	if errors.Is(err, account.ErrKeyNeeded) || errors.Is(err, account.ErrOtherHost) {
		return false
	}
	p, ok := errors.AsType[*account.Problem](err)
	return !ok || p.Uncertain()
}

// retryLater is when to ask a CA again that does not say when.
const retryLater = 5 * time.Minute

// askAgain is when the CA may be asked again.
func askAgain(p *account.Problem, now time.Time) time.Time {
	if p.RetryAfter > 0 {
		return now.Add(p.RetryAfter)
	}
	return now.Add(retryLater)
}

// caRefusal turns an error of the CA into a refusal that says what is wrong. The
// end of a context stays as it is.
func caRefusal(p *watch.Panel, err error) error {
	problem, answered := errors.AsType[*account.Problem](err)
	args := i18n.Args{"Server": p.Name}
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, account.ErrKeyNeeded):
		return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.ca.key", Args: args}
	case busy(err) != nil:
		args["Until"] = askAgain(problem, time.Now())
		return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.ca.busy", Args: args}
	case answered:
		args["Status"], args["Type"] = problem.Status, problem.Type
		args["Detail"] = checks.Clean(checks.WithoutSecrets(problem.Detail), checks.DetailLength)
		return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.ca.problem", Args: args}
	}
	if unreadable, ok := errors.AsType[watch.Unreadable](err); ok { // the agent that has the account does not answer
		return &bot.Refusal{Code: bot.ResultUnavailable, Key: "trouble." + unreadable.Why(), Args: args}
	}
	args["Reason"] = cause(err)
	return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.ca.silent", Args: args}
}

// cause is the innermost of an error's reasons: the network's own words.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
