package wal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// A replay reads a log back. See FORMAT.md, "Recovery".
type replay struct {
	in *bufio.Reader
	// part is what is read of it at a time.
	part   io.LimitedReader
	header header
	// at is where the next batch stands, and taken what was read of it so far.
	at    position
	taken bytes.Buffer
	// snapshotEnd is the offset up to which nothing can be torn.
	snapshotEnd uint64
	latest      latest
	// batches counts those after the snapshot; torn is the length of what was cut off the end.
	batches int
	torn    int64
	// damageIsEnd takes damage after the snapshot for the end of the log: see RefuseDamage.
	damageIsEnd bool
}

// An Option changes how Open recovers a log.
type Option func(*replay)

// RefuseDamage says whether a log is refused that is damaged where no crash can have torn it. That
// is so unless the option says no, which makes the mistake of taking damage for the end: the batch
// that is damaged and everything after it are cut, as if torn, although they were synced. Damage to
// the header or to the snapshot, which are not read as a log, is refused in any case.
func RefuseDamage(refuse bool) Option { return func(r *replay) { r.damageIsEnd = !refuse } }

// readers are used again: in virtual time a node starts every few milliseconds.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// replayLog reads the whole log of a disk.
func replayLog(disk FileSystem, want Identity, options ...Option) (*replay, error) {
	file, err := disk.Open(logName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnformatted
	}
	if err != nil {
		return nil, fmt.Errorf("wal: open %s: %w", logName, err)
	}
	defer func() { _ = file.Close() }()
	r := &replay{in: readers.Get().(*bufio.Reader), latest: latest{}}
	r.in.Reset(file)
	defer func() {
		r.in.Reset(nil)
		readers.Put(r.in)
	}()
	for _, option := range options {
		option(r)
	}
	if r.header, err = readHeader(r.in); err != nil {
		return nil, err
	}
	if r.header.identity != want {
		return nil, &IdentityError{Want: want, Found: r.header.identity}
	}
	r.at = r.header.start()
	r.snapshotEnd = uint64(r.at.offset) + r.header.snapshotBytes
	for done := false; !done; {
		if done, err = r.step(); err == nil {
			continue
		}
		if done, err = r.forgive(err); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// forgive is what damage comes to: an error as it is or, if damage is the end, the end of the log
// with everything from the damaged batch on cut off.
func (r *replay) forgive(err error) (done bool, _ error) {
	if _, damaged := errors.AsType[*DamageError](err); !damaged || !r.damageIsEnd || r.inSnapshot() {
		return false, err
	}
	rest, err := io.Copy(io.Discard, r.in)
	if err != nil {
		return false, fmt.Errorf("wal: read %s: %w", logName, err)
	}
	r.torn = int64(r.taken.Len()) + rest
	return true, nil
}

// step replays the next batch; done tells that there is none, or a torn one that was cut.
func (r *replay) step() (done bool, err error) {
	r.taken.Reset()
	if err := r.take(batchHeaderBytes); err != nil {
		return false, err
	}
	if r.taken.Len() == 0 {
		if r.inSnapshot() {
			return false, r.damage("the file ends inside its snapshot")
		}
		return true, nil
	}
	h, ok := decodeBatchHeader(r.at.seed, r.taken.Bytes())
	if !ok {
		return true, r.cut("no batch begins here", batchHeaderBytes+BatchMaxBytes)
	}
	if reason := h.impossible(r.at); reason != "" {
		return false, r.damage(reason)
	}
	if err := r.take(int(h.length)); err != nil {
		return false, err
	}
	records, running, problem := h.decodeRecords(r.taken.Bytes()[batchHeaderBytes:])
	if problem != "" {
		return true, r.cut("in the batch here "+problem, batchHeaderBytes+int(h.length))
	}
	end := r.at.offset + int64(r.taken.Len())
	if r.inSnapshot() && uint64(end) > r.snapshotEnd {
		return false, r.damage("a batch reaches out of the snapshot")
	}
	if !r.inSnapshot() {
		r.batches++
	}
	for _, record := range records {
		r.latest.remember(record)
	}
	r.at = position{seed: r.at.seed, offset: end, running: running}
	return false, nil
}

// cut decides about a batch that is not whole: the end of the log, torn by a crash before it was
// synced, or damage. It is torn only if it can be the last thing that was ever written: outside the
// snapshot, with nothing after it, neither bytes beyond limit, which is as long as the batch can
// be, nor the header of a later batch. There is never a later one unless this one was synced.
func (r *replay) cut(problem string, limit int) error {
	if r.inSnapshot() {
		return r.damage(problem + ", and the snapshot was synced")
	}
	if err := r.take(limit + 1 - r.taken.Len()); err != nil {
		return err
	}
	if r.taken.Len() > limit {
		return r.damage(fmt.Sprintf("%s, and it is not the last: more follows after %d bytes",
			problem, limit))
	}
	for data := r.taken.Bytes()[1:]; len(data) >= batchHeaderBytes; data = data[1:] {
		// A batch that was written further back is only quoted, in the value of a record.
		h, ok := decodeBatchHeader(r.at.seed, data)
		if ok && h.offset > uint64(r.at.offset) {
			return r.damage(fmt.Sprintf("%s, and it is not the last: there is the one of offset %d",
				problem, h.offset))
		}
	}
	r.torn = int64(r.taken.Len())
	return nil
}

// take reads up to n more bytes of the batch; fewer only at the end of the file. Memory grows with
// what is there, not with n.
func (r *replay) take(n int) error {
	r.part = io.LimitedReader{R: r.in, N: int64(n)}
	if _, err := r.taken.ReadFrom(&r.part); err != nil {
		return fmt.Errorf("wal: read %s: %w", logName, err)
	}
	return nil
}

// inSnapshot tells whether the next batch belongs to the snapshot.
func (r *replay) inSnapshot() bool { return uint64(r.at.offset) < r.snapshotEnd }

// damage is the error for what is wrong at the batch that is read.
func (r *replay) damage(reason string) error {
	return &DamageError{File: logName, Offset: r.at.offset, Reason: reason}
}

// latest has the value of the latest record of each key. To set what a key points to makes no copy
// of the key, as to set what the map holds would.
type latest map[string]*[]byte

// remember makes a record its key's latest. It copies, into the memory of the record before it.
func (l latest) remember(record Record) {
	value := l[string(record.Key)]
	if value == nil {
		value = new([]byte)
		l[string(record.Key)] = value
	}
	*value = append((*value)[:0], record.Value...)
}
