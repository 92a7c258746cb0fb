package lease

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
)

// MaxBackup is the largest backup, compressed, in bytes, that a bot leaves at the hub.
const MaxBackup = 1 << 30

// moveBound is for the transport of a backup in either direction.
const moveBound = 10 * time.Minute

// ErrLarge is the error of a backup of more than MaxBackup.
var ErrLarge = errors.New("the backup of the state is larger than 1 GiB")

// Backup is one at the hub. The zero value is none.
type Backup struct {
	Turn     int64     // in which it was made
	Host     string    // of the bot that made it
	At       time.Time // when it was begun: it has everything before, by the clock of that host
	Complete bool      // the bot was stopped before it was made, and made it last of all
	Size     uint64    // bytes, compressed

	name, chunks string
}

// Names of what a backup says of itself.
const (
	metaTurn     = "turn"
	metaHost     = "host"
	metaAt       = "at"
	metaComplete = "complete"
)

// lastBackup is that of the highest turn: one of an earlier turn may have come later, of
// a bot whose way to the hub was cut while it sent.
func lastBackup(ctx context.Context, js jetstream.JetStream) (Backup, error) {
	store, err := js.ObjectStore(ctx, fleet.BucketState)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return Backup{}, nil
	}
	if err != nil {
		return Backup{}, fmt.Errorf("finding the last backup: %w", err)
	}
	all, err := store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return Backup{}, fmt.Errorf("finding the last backup: %w", err)
	}
	var last Backup
	for _, o := range all {
		if b := backupOf(o); b.Turn > last.Turn {
			last = b
		}
	}
	return last, nil
}

func backupOf(o *jetstream.ObjectInfo) Backup {
	turn, _ := strconv.ParseInt(o.Metadata[metaTurn], 10, 64) // zero: it is none of ours
	at, _ := time.Parse(time.RFC3339Nano, o.Metadata[metaAt])
	return Backup{Turn: turn, Host: o.Metadata[metaHost], At: at, Complete: o.Metadata[metaComplete] != "", Size: o.Size, name: o.Name, chunks: o.NUID}
}

// Keep leaves a backup at the hub, in place of the ones before. at is when it was begun.
// complete: nothing comes after it. It is whole or is not there.
func (t *Turn) Keep(ctx context.Context, state io.Reader, at time.Time, complete bool) (Backup, error) {
	ctx, cancel := context.WithTimeout(ctx, moveBound)
	defer cancel()
	js := t.lease.js
	store, err := js.ObjectStore(ctx, fleet.BucketState)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if err = t.lease.prepare(ctx); err == nil {
			store, err = js.ObjectStore(ctx, fleet.BucketState)
		}
	}
	if err != nil {
		return Backup{}, fmt.Errorf("leaving a backup at the hub: %w", err)
	}
	meta := jetstream.ObjectMeta{Name: fmt.Sprint("turn-", t.Number()), Metadata: map[string]string{
		metaTurn: strconv.FormatInt(t.Number(), 10), metaHost: t.holder.Host, metaAt: at.UTC().Format(time.RFC3339Nano)}}
	if complete {
		meta.Metadata[metaComplete] = "yes"
	}
	packed := pack(state)
	info, err := store.Put(ctx, meta, packed)
	_ = packed.Close() // ends the packing, if it has not ended
	if err != nil {
		return Backup{}, fmt.Errorf("leaving a backup at the hub: %w", err)
	}
	kept := backupOf(info)
	if err := t.clean(ctx, kept); err != nil {
		return kept, fmt.Errorf("removing older backups from the hub: %w", err)
	}
	t.lease.note.Turn, t.lease.note.At = t.Number(), at
	return kept, t.lease.note.write(t.lease.cfg.Notes)
}

// pack compresses what is read. Close ends it early.
func pack(from io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		z, _ := gzip.NewWriterLevel(&bounded{to: in, left: MaxBackup}, gzip.BestSpeed) // the level is one
		_, err := io.Copy(z, from)
		if err == nil {
			err = z.Close()
		}
		_ = in.CloseWithError(err) // nil is the end of the file
	}()
	return out
}

// bounded refuses to write more than it has left.
type bounded struct {
	to   io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, ErrLarge
	}
	return b.to.Write(p) //nolint:wrapcheck // the pipe's
}

// clean removes everything but one backup: those before, and the parts of one that a bot
// which was killed had begun.
func (t *Turn) clean(ctx context.Context, kept Backup) error {
	last, err := lastBackup(ctx, t.lease.js)
	if err != nil {
		return err
	}
	if last.Turn > kept.Turn {
		return errTaken
	}
	stream, err := t.lease.js.Stream(ctx, "OBJ_"+fleet.BucketState)
	if err != nil {
		return err
	}
	begin := "$O." + fleet.BucketState
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(begin+".C.>"))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		if !strings.HasSuffix(subject, "."+kept.chunks) {
			if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
				return err
			}
		}
	}
	store, err := t.lease.js.ObjectStore(ctx, fleet.BucketState)
	if err != nil {
		return err
	}
	all, err := store.List(ctx)
	for _, o := range all {
		if o.Name != kept.name {
			err = errors.Join(err, store.Delete(ctx, o.Name))
		}
	}
	return err
}

// Past is what was before a turn: from what the bot is to begin.
type Past struct {
	// Backup is of another bot's turn that is later than this bot's last one: its own
	// state is older. Zero: the bot's own state is the newest that is known.
	Backup Backup
	Host   string    // of the bot that spoke before; empty: it was this one, or none
	Own    time.Time // when this bot spoke last; zero: never
}

// Past looks what was before the turn.
func (t *Turn) Past(ctx context.Context) (Past, error) {
	ctx, cancel := context.WithTimeout(ctx, requestBound)
	defer cancel()
	l := t.lease
	last, err := lastBackup(ctx, l.js)
	if err != nil {
		return Past{}, err
	}
	p := Past{Own: l.note.At}
	if last.Turn > l.note.Turn {
		p.Backup, p.Host = last, last.Host
	}
	if l.seen.Turn > max(l.note.Turn, last.Turn) && l.seen.Turn < t.Number() {
		p.Host = l.seen.Host
	}
	return p, nil
}

// Begin notes that this bot speaks from now on: from here on its state is the newest.
func (t *Turn) Begin() error {
	l := t.lease
	t.begun = true
	l.note = note{Turn: t.Number(), At: time.Now()}
	return l.note.write(l.cfg.Notes)
}

// Fetch writes the state of a backup.
func (t *Turn) Fetch(ctx context.Context, b Backup, to io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, moveBound) // without one the library allows five seconds for all of it
	defer cancel()
	store, err := t.lease.js.ObjectStore(ctx, fleet.BucketState)
	if err != nil {
		return fmt.Errorf("fetching the backup: %w", err)
	}
	o, err := store.Get(ctx, b.name)
	if err != nil {
		return fmt.Errorf("fetching the backup: %w", err)
	}
	defer o.Close()
	z, err := gzip.NewReader(o)
	if err != nil {
		return fmt.Errorf("fetching the backup: %w", err)
	}
	if _, err := io.Copy(to, z); err != nil { // it ends with the sum of all
		return fmt.Errorf("fetching the backup: %w", err)
	}
	if _, err := io.Copy(io.Discard, o); err != nil { // the library compares the digest at the end
		return fmt.Errorf("fetching the backup: %w", err)
	}
	return nil
}
