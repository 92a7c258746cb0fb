package internet

import (
	"net"
	"net/http"
	"sync"
)

// lifetime counts what goes on in a server, so that its Close can wait for all
// of it: http.Server alone forgets handlers and connections that were taken over.
type lifetime struct {
	mu      sync.Mutex
	over    bool
	done    chan struct{} // closed at the end
	running sync.WaitGroup
	conns   map[net.Conn]struct{} // closed at the end, whatever they wait for
}

func newLifetime() *lifetime {
	return &lifetime{done: make(chan struct{}), conns: map[net.Conn]struct{}{}}
}

// enter counts somebody in who must leave; false when the end has come.
func (l *lifetime) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.running.Add(1)
	}
	return !l.over
}

func (l *lifetime) leave() { l.running.Done() }

// start runs f beside, unless the end has come.
func (l *lifetime) start(f func()) bool {
	if !l.enter() {
		return false
	}
	go func() {
		defer l.leave()
		f()
	}()
	return true
}

// attend runs f for a connection, which the end closes; else f has to.
func (l *lifetime) attend(conn net.Conn, f func()) {
	l.mu.Lock()
	l.conns[conn] = struct{}{}
	l.mu.Unlock()
	if l.start(func() {
		f()
		l.mu.Lock()
		delete(l.conns, conn)
		l.mu.Unlock()
	}) {
		return
	}
	_ = conn.Close() // it came too late, and has not been told anything
}

// counted lets requests in one by one, until the end.
func (l *lifetime) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.enter() {
			defer l.leave()
			next.ServeHTTP(w, r)
		}
	})
}

// end brings the end; false when it has come before.
func (l *lifetime) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.over = true
	close(l.done)
	for conn := range l.conns {
		_ = conn.Close() // what it wanted to say is of no use any more
	}
	return true
}

// wait returns when all have left.
func (l *lifetime) wait() { l.running.Wait() }
