package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/openrdap/rdap/bootstrap"
)

// servers finds RDAP servers in IANA's list (RFC 9224), which is fetched once a
// day, not with every question. It is safe for concurrent use.
type servers struct {
	mu     sync.Mutex // the client is not safe for concurrent use
	list   *bootstrap.Client
	failed error     // why the list could not be fetched; nil: it could
	until  time.Time // no other try before
}

// ianaHost is where the list is.
const ianaHost = "data.iana.org"

// listRetry is how long IANA's list is not asked for again after a failure.
const listRetry = 10 * time.Minute

// find returns the base URL of the server for a public suffix. Without one the
// error is ErrNoRegistry.
func (s *servers) find(ctx context.Context, suffix string, now time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil && now.Before(s.until) {
		return "", s.failed
	}
	transport := newTransport("")
	defer transport.CloseIdleConnections()
	if s.list == nil {
		s.list = &bootstrap.Client{}
	}
	s.list.HTTP = &http.Client{Transport: bounded{transport}, CheckRedirect: fewRedirects}
	question := &bootstrap.Question{RegistryType: bootstrap.DNS, Query: suffix}
	answer, err := s.list.Lookup(question.WithContext(ctx))
	if s.failed = nil; err != nil {
		err = fmt.Errorf("fetching IANA's list of RDAP servers: %w", err)
		if ctx.Err() == nil {
			s.failed, s.until = err, now.Add(listRetry)
		}
		return "", err
	}
	if best := secure(answer.URLs); best != "" {
		return best, nil
	}
	return "", fmt.Errorf("%w: IANA's list of RDAP servers has none for %s", ErrNoRegistry, suffix)
}

// secure returns the first URL with TLS, else the first; empty: there is none.
func secure(urls []*url.URL) string {
	best := ""
	for _, u := range urls {
		if best == "" || u.Scheme == "https" && strings.HasPrefix(best, "http:") {
			best = u.String()
		}
	}
	return best
}
