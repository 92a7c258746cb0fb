package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"domovoy/checks"
)

// Patterns of a series, in the argument "pattern".
const (
	patternAll         = "all"         // every attempt failed
	patternAlternating = "alternating" // exactly every other one: a round-robin balancer
	patternRandom      = "random"      // some failed
	patternFamily      = "family"      // one of IPv4 and IPv6 fails
	patternAddress     = "address"     // one of several addresses of a family fails
)

// fewest attempts that can be told to alternate.
const fewest = 4

// series is the same walk over and over, in the order of starting.
type series struct {
	route route
	tries []attempt
}

// err is the first attempt that could not look.
func (s series) err() error {
	for _, a := range s.tries {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

func (s series) failures() int {
	n := 0
	for _, a := range s.tries {
		if !a.passed() {
			n++
		}
	}
	return n
}

func (s series) passed() bool { return s.failures() == 0 }
func (s series) failed() bool { return s.failures() == len(s.tries) }
func (s series) mixed() bool  { return !s.passed() && !s.failed() }

// pattern names how the failures of a series are spread.
func (s series) pattern() string {
	if s.failed() {
		return patternAll
	}
	if len(s.tries) < fewest {
		return patternRandom
	}
	for i := 1; i < len(s.tries); i++ {
		if s.tries[i].passed() == s.tries[i-1].passed() {
			return patternRandom
		}
	}
	return patternAlternating
}

// failure is the attempt that speaks for the failed ones: the first whose
// code is the most frequent.
func (s series) failure() attempt {
	count := map[checks.Code]int{}
	var best attempt
	most := 0
	for _, a := range s.tries {
		if !a.passed() && a.fault != nil {
			count[a.fault.code]++
			most = max(most, count[a.fault.code])
		}
	}
	for _, a := range s.tries {
		if !a.passed() && a.fault != nil && count[a.fault.code] == most {
			return a
		}
	}
	return best
}

// fellBack is an attempt that turned to IPv4, if there was one.
func (s series) fellBack() *attempt {
	for i := range s.tries {
		if s.tries[i].fellBack != nil {
			return &s.tries[i]
		}
	}
	return nil
}

// trial is an attempt under way.
type trial struct {
	attempt
	dialing, connected, done chan struct{}
}

func (l *look) start(ctx context.Context, r route) *trial {
	t := &trial{dialing: make(chan struct{}), connected: make(chan struct{}), done: make(chan struct{})}
	s := signs{
		dialing:   sync.OnceFunc(func() { close(t.dialing) }),
		connected: sync.OnceFunc(func() { close(t.connected) }),
	}
	go func() {
		defer close(t.done)
		defer func() {
			// Nobody above this goroutine could: a bug met at one site must not
			// end the program.
			if p := recover(); p != nil {
				t.attempt = attempt{err: fmt.Errorf("the walk broke: %v", p)}
			}
		}()
		t.attempt = l.prober.walk(ctx, l.host, l.challenge, r, s)
	}()
	return t
}

// over waits until the attempt has ended, or so long that the next one may
// begin: black holes and hung backends would take minutes one after another,
// while the order of starting is what a balancer deals by. An attempt that
// may be the only one is given more time once somebody has answered.
func (t *trial) over(patience time.Duration, only bool) bool {
	select {
	case <-t.done:
		return true
	case <-t.dialing:
	}
	if t.within(patience) {
		return true
	}
	select {
	case <-t.connected:
		return only && t.within(3*patience)
	default:
		return false
	}
}

func (t *trial) within(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-t.done:
		return true
	case <-late.C:
		return false
	}
}

// run makes so many attempts, and all that are allowed once one has failed
// or gets no answer. It stops where it cannot look.
func (l *look) run(ctx context.Context, r route, tries int) series {
	patience := l.prober.opts.Timeout / 10
	goal := max(tries, 1)
	var trials []*trial
	for i := 0; i < goal; i++ {
		t := l.start(ctx, r)
		trials = append(trials, t)
		over := t.over(patience, i == 0 && goal == 1)
		if over && t.err != nil {
			break
		}
		if !over || !t.passed() {
			goal = max(goal, l.prober.opts.Attempts)
		}
	}
	s := series{route: r}
	for _, t := range trials {
		<-t.done
		s.tries = append(s.tries, t.attempt)
	}
	return s
}
