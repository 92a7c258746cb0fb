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

// Limits of uploads. A step of an upload is tried a few times. Then the message is
// sent without the file and says so, because other messages of the chat, such as
// alerts, wait behind it.
const (
	fileTries = 3
	fileBound = time.Minute      // for all files of a message
	fileWait  = 20 * time.Second // a longer wait that Slack asks for is not taken
)

// stage uploads the files of a message, which nobody sees before share. A file that
// cannot be uploaded becomes a line of the message, because the text is more
// important.
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (s *Slack) stage(ctx context.Context, m *reports.Message) (staged []slackgo.FileSummary, err error) {
	bounded, cancel := context.WithTimeout(ctx, fileBound)
	defer cancel()
	for _, file := range m.Files {
		var id string
		err := s.retry(bounded, func() (err error) { id, err = s.upload(bounded, file); return err })
		switch {
		case err == nil:
			staged = append(staged, slackgo.FileSummary{ID: id, Title: file.Name})
		case ctx.Err() != nil, concernsMessage(err):
			return nil, err
		default:
			s.log.Error("a file was not uploaded to Slack", "file", file.Name, "error", err)
			*m = s.without(*m, []slackgo.FileSummary{{Title: file.Name}}, reason(err))
		}
	}
	return staged, nil
}

// retry does a step and repeats it while that may help.
func (s *Slack) retry(ctx context.Context, step func() error) error {
	for try := 1; ; try++ {
		err := step()
		wait, worth := time.Duration(try)*2*time.Second, err != nil && reason(err) == ""
		if asked, is := errors.AsType[*bot.RetryAfter](err); is {
			wait, worth = asked.After, asked.After <= fileWait
		}
		if !worth || try == fileTries || s.sleep(ctx, wait) != nil {
			return err
		}
	}
}

// concernsMessage reports whether an error is about more than the file: nothing can
// be sent with this token, or not yet.
func concernsMessage(err error) bool {
	refused, is := errors.AsType[*bot.Permanent](err)
	_, wait := errors.AsType[*bot.RetryAfter](err)
	return is && refused.Token || wait
}

// reason is the error code of a refusal by Slack; empty: the error is not a refusal.
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
		return "", s.explain("asking Slack where to upload a file", err, false)
	}
	err = s.api.UploadToURL(ctx, slackgo.UploadToURLParameters{
		UploadURL: place.UploadURL,
		Filename:  file.Name,
		Reader:    bytes.NewReader(file.Data),
	})
	return place.FileID, s.explain("uploading a file to Slack", err, false)
}

// share shows uploaded files in a thread.
func (s *Slack) share(ctx context.Context, channel, thread string, files []slackgo.FileSummary) error {
	return s.retry(ctx, func() error {
		_, err := s.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
			Files:           files,
			Channel:         channel,
			ThreadTimestamp: thread,
		})
		return s.explain("showing a file in Slack", err, false)
	})
}

// without returns a message with a line for each file that is missing.
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
