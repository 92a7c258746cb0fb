package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"unicode/utf16"
)

// maxBody is a little more than the largest upload either API takes (50 MB).
const maxBody = 60 << 20

// File is an uploaded file.
type File struct {
	Name string
	Data []byte
}

// request is the decoded body of a call, whatever its encoding.
type request struct {
	params map[string]string
	files  map[string]File // by form field
}

// readRequest takes query, form, multipart and JSON bodies alike, as both APIs do.
func readRequest(w http.ResponseWriter, r *http.Request) (request, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	q := request{params: map[string]string{}, files: map[string]File{}}
	for name, values := range r.URL.Query() {
		q.params[name] = values[0]
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // empty: a call without a body
	var err error
	switch kind {
	case "application/json":
		err = q.readJSON(r.Body)
	case "multipart/form-data":
		err = q.readMultipart(r)
	case "application/octet-stream":
		err = q.readRaw(r.Body)
	default:
		err = q.readForm(r)
	}
	if err != nil {
		return request{}, fmt.Errorf("reading %s body: %w", kind, err)
	}
	return q, nil
}

func (q *request) readForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	for name, values := range r.Form {
		q.params[name] = values[0]
	}
	return nil
}

func (q *request) readJSON(body io.Reader) error {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for name, raw := range fields {
		var text string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &text) == nil:
			q.params[name] = text
		default:
			q.params[name] = string(raw)
		}
	}
	return nil
}

func (q *request) readMultipart(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := q.readPart(part); err != nil {
			return err
		}
	}
}

// readRaw takes a bare body as a file without field and name.
func (q *request) readRaw(body io.Reader) error {
	data, err := io.ReadAll(body)
	q.files[""] = File{Data: data}
	return err
}

func (q *request) readPart(part *multipart.Part) error {
	data, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	if part.FileName() == "" {
		q.params[part.FormName()] = string(data)
		return nil
	}
	q.files[part.FormName()] = File{Name: part.FileName(), Data: data}
	return nil
}

// units counts a text the way both services are believed to: in UTF-16 code
// units, the strictest reading of "characters".
func units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
