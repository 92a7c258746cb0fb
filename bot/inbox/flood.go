package inbox

import (
	"time"

	"domovoy/bot"
	"domovoy/reports/journal"
)

// How much of what somebody says is answered.
const (
	strangerPause = time.Hour // between two answers to one stranger in one chat
	strangersMost = 1000      // answers to strangers in that time, all together
	perMinute     = 20        // updates of one person
)

// verdict is what becomes of an update.
type verdict int

const (
	serve  verdict = iota // ask, answer
	warn                  // say that it is too much
	ignore                // and say no more
)

// stranger is somebody unknown in a chat, whatever its thread.
type stranger struct {
	person string // may be empty: a channel
	chat   bot.Address
}

// minute counts a person's updates.
type minute struct {
	begun time.Time
	count int
}

// flood limits how much of what somebody types fast takes time and memory. It
// is not safe for concurrent use.
type flood struct {
	told   map[stranger]time.Time // when they were last answered
	people map[string]minute
}

func newFlood() flood { return flood{told: map[stranger]time.Time{}, people: map[string]minute{}} }

// judge decides about an update. It counts by when something was said: what
// gathered while the program was down did not come at once.
func (f flood) judge(u journal.Update, r bot.Request) verdict {
	if r.Role < bot.Viewer {
		return f.stranger(stranger{u.Person, r.Chat.Whole()}, r.Now)
	}
	at := u.At
	if at.IsZero() {
		at = r.Now
	}
	m := f.people[u.Person]
	if at.Sub(m.begun) >= time.Minute {
		m = minute{begun: at}
	}
	m.count++
	f.people[u.Person] = m
	switch {
	case m.count <= perMinute:
		return serve
	case m.count == perMinute+1:
		return warn
	}
	return ignore
}

func (f flood) stranger(who stranger, now time.Time) verdict {
	if last, ok := f.told[who]; ok && now.Sub(last) < strangerPause {
		return ignore
	}
	if len(f.told) >= strangersMost {
		for s, at := range f.told {
			if now.Sub(at) >= strangerPause {
				delete(f.told, s)
			}
		}
	}
	if len(f.told) >= strangersMost {
		return ignore
	}
	f.told[who] = now
	return serve
}
