package slack

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// A step of an upload is tried a few times at once. Then the message goes out
// without the file and says so: others of its chat wait behind it, alerts
// among them.
const (
	fileTries = 3
	fileBound = time.Minute      // for all files of a message
	fileWait  = 20 * time.Second // the longest wait that Slack may ask for within it
)

// stage brings the files of a message to Slack, where nobody sees them until
// share. A file that does not get there becomes a line of the message: the
// text matters more.
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (s *Slack) stage(ctx context.Context, m *reports.Message) (staged []slackgo.FileSummary, err error) {
	bounded, cancel := context.WithTimeout(ctx, fileBound)
	defer cancel()
	for _, file := range m.Files {
		var id string
		err := s.stubborn(bounded, func() (err error) { id, err = s.upload(bounded, file); return err })
		switch {
		case err == nil:
			staged = append(staged, slackgo.FileSummary{ID: id, Title: file.Name})
		case ctx.Err() != nil, wholly(err):
			return nil, err
		default:
			s.log.Error("a file was not brought to Slack", "file", file.Name, "error", err)
			*m = s.without(*m, []slackgo.FileSummary{{Title: file.Name}}, reason(err))
		}
	}
	return staged, nil
}

// stubborn does a step, again while that may help.
func (s *Slack) stubborn(ctx context.Context, step func() error) error {
	for try := 1; ; try++ {
		err := step()
		wait, worth := time.Duration(try)*2*time.Second, err != nil && reason(err) == ""
		if asked, is := errors.AsType[*bot.RetryAfter](err); is {
			wait, worth = asked.After, asked.After <= fileWait
		}
		if !worth || try == fileTries || s.pause(ctx, wait) != nil {
			return err
		}
	}
}

// wholly reports whether an error is about more than a file: nothing can be
// sent with this token, or not yet.
func wholly(err error) bool {
	refused, is := errors.AsType[*bot.Permanent](err)
	_, wait := errors.AsType[*bot.RetryAfter](err)
	return is && refused.Token || wait
}

// reason is Slack's own word for a refusal; empty: it did not refuse.
func reason(err error) string {
	if refused, is := errors.AsType[*bot.Permanent](err); is {
		return refused.Reason
	}
	if refused, is := errors.AsType[*bot.Refused](err); is {
		return refused.Reason
	}
	return ""
}

func (s *Slack) upload(ctx context.Context, file reports.File) (string, error) {
	if len(file.Data) == 0 {
		return "", &bot.Permanent{Reason: "empty_file"}
	}
	place, err := s.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{
		FileName: file.Name,
		FileSize: len(file.Data),
	})
	if err != nil {
		return "", s.judge("asking Slack where to upload a file", err)
	}
	err = s.api.UploadToURL(ctx, slackgo.UploadToURLParameters{
		UploadURL: place.UploadURL,
		Filename:  file.Name,
		Reader:    bytes.NewReader(file.Data),
	})
	return place.FileID, s.judge("uploading a file to Slack", err)
}

// share shows uploaded files in a thread.
func (s *Slack) share(ctx context.Context, channel, thread string, files []slackgo.FileSummary) error {
	return s.stubborn(ctx, func() error {
		_, err := s.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
			Files:           files,
			Channel:         channel,
			ThreadTimestamp: thread,
		})
		return s.judge("showing a file in Slack", err)
	})
}

// without adds a line for each file that did not arrive.
func (s *Slack) without(m reports.Message, files []slackgo.FileSummary, reason string) reports.Message {
	locale := s.bundle.Locale(m.Language, nil)
	m.Sections = slices.Clip(m.Sections)
	for _, file := range files {
		path := ""
		if i := slices.IndexFunc(m.Files, func(f reports.File) bool { return f.Name == file.Title }); i >= 0 {
			path = m.Files[i].Path
		}
		line := locale.Say("slack.nofile", i18n.Args{"Name": file.Title, "Reason": reason, "Path": path})
		m.Sections = append(m.Sections, reports.Section{Text: line})
	}
	return m
}
