package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// logger writes what the server says into our log. The server repeats itself for each
// connection of a port scan: a sentence of the same form is said once a minute.
type logger struct {
	log *slog.Logger

	mu     sync.Mutex
	said   map[string]time.Time
	ending string // what the server said last before it gave up
}

const repeatAfter = time.Minute

// mostForms bounds what is remembered.
const mostForms = 1000

func newLogger(log *slog.Logger) *logger { return &logger{log: log, said: map[string]time.Time{}} }

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
	now := time.Now()
	l.mu.Lock()
	last, known := l.said[format]
	if len(l.said) >= mostForms {
		clear(l.said)
	}
	if !known || now.Sub(last) >= repeatAfter {
		l.said[format] = now
	}
	l.mu.Unlock()
	if known && now.Sub(last) < repeatAfter {
		return
	}
	l.log.Warn(fmt.Sprintf(format, v...))
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
