package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"domovoy/bot/fleet"
)

// logger writes what the server says into our log, and counts what was refused. A port
// scan has the same sentence said for each connection: one of the same form is said once
// a minute, with how often there was one since.
type logger struct {
	log *slog.Logger

	mu     sync.Mutex
	said   map[string]saying
	counts fleet.Refusals // since they were taken last
	ending string         // what the server said last before it gave up
}

// saying is a sentence that was said.
type saying struct {
	at    time.Time
	times int // since then
}

const repeatAfter = time.Minute

// ofClient begins the sentences about a connection: its address, its number, the name
// that it gave itself, and its account and key.
var ofClient = regexp.MustCompile(`^\S+ - [a-z_]+:\d+( - "(?:[^"\\]|\\.)*")* - `)

// mostForms bounds what is remembered.
const mostForms = 1000

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log, said: map[string]saying{}, counts: fleet.Refusals{}}
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *logger) Debugf(format string, v ...any)  {}
func (l *logger) Tracef(format string, v ...any)  {}
func (l *logger) Warnf(format string, v ...any)   { l.say(format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.say(format, v) }

func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.ending = fmt.Sprintf(format, v...)
	l.mu.Unlock()
	l.log.Error(fmt.Sprintf(format, v...))
}

// violations are how the server's sentences about what it refused begin.
var violations = map[string]string{
	"Publish Violation": fleet.RefusedRights, "Subscription Violation": fleet.RefusedRights, "maximum payload exceeded": fleet.RefusedLarge,
}

// say says what the server says, and counts what it refused.
func (l *logger) say(format string, v []any) {
	text := fmt.Sprintf(format, v...)
	what := ofClient.ReplaceAllString(text, "")
	for begin, why := range violations {
		if strings.HasPrefix(what, begin) {
			l.count(why)
		}
	}
	l.warn(ofClient.ReplaceAllString(format, ""), text)
}

// refuse says that somebody was refused, and counts it.
func (l *logger) refuse(why, text string, attrs ...any) {
	l.count(why)
	l.warn(text, text, attrs...)
}

func (l *logger) count(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[why]++
}

// take returns what was refused since it was called last; nil: nothing.
func (l *logger) take() fleet.Refusals {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.counts) == 0 {
		return nil
	}
	counts := l.counts
	l.counts = fleet.Refusals{}
	return counts
}

func (l *logger) warn(form, text string, attrs ...any) {
	now := time.Now()
	l.mu.Lock()
	last, known := l.said[form]
	last.times++
	again := known && now.Sub(last.at) < repeatAfter
	if !known && len(l.said) >= mostForms {
		clear(l.said)
	}
	if again {
		l.said[form] = last
	} else {
		l.said[form] = saying{at: now}
	}
	l.mu.Unlock()
	if !again {
		l.log.Warn(text, append(attrs, "times", last.times)...)
	}
}

// fatal is why the server gave up; nil: it did not.
func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ending == "" {
		return nil
	}
	return errors.New(l.ending)
}
