package bot

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"domovoy/reports"
)

// shelf is the folder where the files of reports are kept: where a chat does
// not take a file, its message can still say where it is. The zero shelf
// keeps nothing.
type shelf struct{ folder string }

// KeepReports has the files of reports that come on schedule kept in a folder,
// which is made when it is needed. Call it before anything else.
func (b *Bot) KeepReports(folder string) { b.shelf = shelf{folder} }

// keep writes files into a part of the folder, over older ones of the same
// names, and notes in each where it is. Names come from our catalogs, parts
// from the configuration; neither leaves the folder.
func (s shelf) keep(part string, files []reports.File) error {
	if s.folder == "" || len(files) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(part, 0o700); err != nil {
		return err
	}
	for i := range files {
		name := filepath.Join(part, filepath.Base(files[i].Name))
		if err := root.WriteFile(name, files[i].Data, 0o600); err != nil {
			return err
		}
		files[i].Path = filepath.Join(s.folder, name)
	}
	return nil
}

// keepReports is how long files stay on the shelf.
const keepReports = 90 * 24 * time.Hour

// clear removes parts that nothing was written into for long.
func (s shelf) clear(now time.Time) error {
	if s.folder == "" {
		return nil
	}
	parts, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, p := range parts {
		info, infoErr := p.Info()
		if infoErr == nil && p.IsDir() && now.Sub(info.ModTime()) > keepReports {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.folder, p.Name())))
		}
	}
	return err
}

// keep puts a report's files on the shelf, each reader's into a part of its
// own. They are sent all the same where that fails.
func (b *Bot) keep(ctx context.Context, report string, reader Address, files []reports.File) {
	part := report + "-" + strings.NewReplacer(":", "-", "/", "-").Replace(reader.String())
	if err := b.shelf.keep(part, files); err != nil {
		b.log.WarnContext(ctx, "the report's files are not kept", "error", err)
	}
}
