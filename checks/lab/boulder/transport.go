package boulder

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
)

// Client comes to the CA without a socket; the CA runs in the caller's goroutine.
func (ca *CA) Client() *http.Client { return &http.Client{Transport: ca.Transport()} }

// Transport is what Client goes through.
func (ca *CA) Transport() http.RoundTripper { return transport{ca} }

type transport struct{ ca *CA }

// RoundTrip hands a request to the CA as a server would.
func (t transport) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.TLS = r.URL.RequestURI(), "127.0.0.1:1", &tls.ConnectionState{}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := &recorder{header: http.Header{}}
	defer func() {
		trouble := recover()
		if trouble == nil {
			return
		}
		if cut, ok := trouble.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
			panic(trouble)
		}
		answer, err = nil, io.ErrUnexpectedEOF
		if gone := r.Context().Err(); gone != nil {
			err = gone
		}
	}()
	t.ca.ServeHTTP(out, in)
	return out.response(r), nil
}

// recorder keeps an answer until the client reads it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

func (w *recorder) response(r *http.Request) *http.Response {
	body := w.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
}
