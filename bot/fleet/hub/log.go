package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"
)

// logger writes what the server says into our log. The server repeats itself for each
// connection of a port scan: a sentence of the same form is said once a minute, with how
// often there was one since.
type logger struct {
	log *slog.Logger

	mu     sync.Mutex
	said   map[string]saying
	ending string // what the server said last before it gave up
}

// saying is a sentence that was said.
type saying struct {
	at    time.Time
	times int // since then
}

const repeatAfter = time.Minute

// ofClient begins the sentences about a connection: its address, its number and the name
// that it gave itself.
var ofClient = regexp.MustCompile(`^\S+ - [a-z]+:\d+( - "[^"]*")? - `)

// mostForms bounds what is remembered.
const mostForms = 1000

func newLogger(log *slog.Logger) *logger { return &logger{log: log, said: map[string]saying{}} }

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

func (l *logger) say(format string, v []any) {
	now, form := time.Now(), ofClient.ReplaceAllString(format, "")
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
		l.log.Warn(fmt.Sprintf(format, v...), "times", last.times)
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
