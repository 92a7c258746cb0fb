package slack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// lean leaves the message out of the responses to chat.postMessage and chat.update, which
// repeat it: the library would make blocks of it again, which takes as long as to make
// the message, and nobody reads them.
type lean struct{ *http.Transport }

// RoundTrip makes a call.
func (l lean) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.Transport.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK || !repeats(r.URL.Path) {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(withoutMessage(body)))
	response.ContentLength = -1
	return response, nil
}

// repeats reports whether the response of a method has the message.
func repeats(path string) bool {
	return strings.HasSuffix(path, "/chat.postMessage") || strings.HasSuffix(path, "/chat.update")
}

// withoutMessage is a response without its message; what is no JSON object stays as it is.
func withoutMessage(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	delete(fields, "message")
	short, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return short
}
