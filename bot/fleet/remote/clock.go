package remote

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
)

// maxSkew is how far the clock of an agent may be off ours.
const maxSkew = time.Minute

// clock is what the heartbeats of an agent say of its clock.
type clock struct {
	at    time.Time     // of the last one, by the agent's clock
	heard time.Time     // when it came, by ours
	off   int           // heartbeats in a row that were off
	by    time.Duration // how far the last one was
}

// beat takes a heartbeat. One that came much sooner after the one before than it was
// sent had waited somewhere, as many do when this process was suspended: it says
// nothing.
func (c clock) beat(at, heard time.Time) clock {
	waited := !c.heard.IsZero() && heard.Sub(c.heard) < at.Sub(c.at)/2
	c.at, c.heard = at, heard
	if waited {
		return c
	}
	c.by = at.Sub(heard)
	if c.by.Abs() <= maxSkew {
		c.off = 0
		return c
	}
	c.off++
	return c
}

// skew is how far the clock is off, if it is for two heartbeats in a row; else 0. The
// first of several that waited looks as if it were off.
func (c clock) skew() time.Duration {
	if c.off < 2 {
		return 0
	}
	return c.by
}

// beat takes a heartbeat of any agent.
func (f *Fleet) beat(m *nats.Msg) {
	h, err := fleet.DecodeHeartbeat(m.Data)
	agent, ok := fleet.ParseBeat(m.Subject)
	switch {
	case err != nil:
	case !ok || h.Agent != agent:
		err = errOther
	case h.At.IsZero():
		err = fmt.Errorf("%w: a heartbeat without a time", fleet.ErrRecord)
	}
	if err != nil {
		f.refuse(context.Background(), "", fmt.Errorf("agent %s: %w", agent, err))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clocks[agent] = f.clocks[agent].beat(h.At.Time, f.now())
}

// skew is how far the clock of an agent is off; 0: a minute at most, or not known.
func (f *Fleet) skew(agent string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clocks[agent].skew()
}
