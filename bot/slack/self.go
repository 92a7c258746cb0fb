package slack

import (
	"context"
	_ "embed"
	"strings"
)

//go:embed manifest.yaml
var manifestFile string

// Manifest is the app's manifest, without the comments of its file.
func Manifest() string {
	var lines []string
	for line := range strings.SplitSeq(manifestFile, "\n") {
		before, _, _ := strings.Cut(line, "#")
		if line = strings.TrimRight(before, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// Self asks Slack for the bot's name and the workspace's.
func (s *Slack) Self(ctx context.Context) (name, team string, err error) {
	answer, err := s.api.AuthTestContext(ctx)
	if err != nil {
		return "", "", s.explain("asking Slack who we are", err, false)
	}
	return answer.User, answer.Team, nil
}
