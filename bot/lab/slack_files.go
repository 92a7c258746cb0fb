package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// SlackFile is an uploaded file as shared to a channel.
type SlackFile struct {
	File
	ID      string
	Title   string
	Channel string
	Thread  string // thread_ts; empty: none
	Comment string
}

// upload is a file on its way through the three steps.
// https://docs.slack.dev/messaging/working-with-files#upload
type upload struct {
	file     File
	length   int  // as announced
	received bool // the bytes have come
	shared   []SlackFile
}

func (s *Slack) getUploadURL(_ context.Context, q request) (object, error) {
	length, err := strconv.Atoi(q.params["length"])
	if err != nil || length <= 0 || q.params["filename"] == "" {
		return nil, &slackError{code: "invalid_arguments"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("F0LAB%05d", len(s.files)+1)
	s.files[id] = &upload{file: File{Name: q.params["filename"]}, length: length}
	return object{"upload_url": s.url + "/upload/" + id, "file_id": id}, nil
}

// serveUpload takes the bytes, as a form's file or as the bare body, and
// refuses another length than announced. Its calls are logged as "upload".
func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest(w, r)
	if err != nil {
		uploadReply(http.StatusBadRequest, err.Error()).write(w)
		return
	}
	s.handle(w, r, exchange{
		method: "upload",
		params: q.params,
		refuse: refuseSlack,
		run:    func(context.Context) reply { return s.receive(r.PathValue("file"), q) },
	})
}

func (s *Slack) receive(id string, q request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.files[id]
	if u == nil {
		return uploadReply(http.StatusNotFound, "no such upload")
	}
	for _, file := range q.files {
		u.file.Data, u.received = file.Data, len(file.Data) == u.length
	}
	if !u.received {
		return uploadReply(http.StatusBadRequest, fmt.Sprintf("%d bytes announced, %d came", u.length, len(u.file.Data)))
	}
	return reply{status: http.StatusOK, mime: "text/plain", body: fmt.Appendf(nil, "OK - %d", u.length)}
}

func uploadReply(status int, text string) reply {
	return reply{status: status, mime: "text/plain", body: []byte(text), problem: text}
}

func (s *Slack) completeUpload(_ context.Context, q request) (object, error) {
	var files []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if json.Unmarshal([]byte(q.params["files"]), &files) != nil || len(files) == 0 {
		return nil, &slackError{code: "invalid_arguments"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	targets, err := s.fileTargets(q)
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, f := range files {
		u := s.files[f.ID]
		if u == nil || !u.received {
			return nil, &slackError{code: "file_not_found"}
		}
		for _, channel := range targets {
			u.shared = append(u.shared, SlackFile{File: u.file, ID: f.ID, Title: f.Title,
				Channel: channel, Thread: q.params["thread_ts"], Comment: q.params["initial_comment"]})
		}
		list = append(list, object{"id": f.ID, "title": f.Title}) // sharing is asynchronous: no ts
	}
	s.bell.ring()
	return object{"files": list}, nil
}

// fileTargets are the channels a file goes to; none means that it stays private.
func (s *Slack) fileTargets(q request) ([]string, error) {
	var targets []string
	for _, id := range append(strings.Split(q.params["channels"], ","), q.params["channel_id"]) {
		if id == "" {
			continue
		}
		c, err := s.target(id)
		if err != nil {
			return nil, err
		}
		targets = append(targets, c.ID)
	}
	return targets, nil
}

// Files lists what was shared to a channel, in order of their uploads.
func (s *Slack) Files(channel string) []SlackFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SlackFile
	for i := range len(s.files) {
		for _, f := range s.files[fmt.Sprintf("F0LAB%05d", i+1)].shared {
			if f.Channel == channel {
				list = append(list, f)
			}
		}
	}
	return list
}

// WaitFiles waits until n files were shared to a channel in all.
func (s *Slack) WaitFiles(ctx context.Context, channel string, n int) ([]SlackFile, error) {
	files, err := await(ctx, &s.bell, func() ([]SlackFile, bool) {
		list := s.Files(channel)
		return list, len(list) >= n
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %d files in %s: %w", n, channel, err)
	}
	return files, nil
}
