package wal

import (
	"maps"

	"github.com/stretchr/testify/require"
)

// A model is what a log must remember, kept naively: what was synced is certain, the batch that was
// handed over last and not synced may be there as a whole or not at all.
type model struct {
	synced  map[string]string
	pending []Record
	boot    uint64
}

// opened compares what Open returned with the model, and takes over what turned out.
func (m *model) opened(t require.TestingT, recovered Recovered) {
	require.Greater(t, recovered.Boot, m.boot, "boot numbers grow")
	m.boot = recovered.Boot
	got := merged(nil, recovered.Records)
	if m.pending == nil || maps.Equal(got, m.synced) {
		require.Equal(t, merged(m.synced, nil), got)
	} else {
		require.Equal(t, merged(m.synced, m.pending), got)
	}
	require.Len(t, got, len(recovered.Records), "a key stands there once")
	m.synced, m.pending = got, nil
}

// A session is a log under test beside its model.
type session struct {
	disk  FileSystem
	log   *Log
	model *model
}

// open opens the log and compares.
func (s *session) open(t require.TestingT) error {
	log, recovered, err := Open(s.disk, ours)
	if err != nil {
		return err
	}
	s.log = log
	s.model.opened(t, recovered)
	return nil
}

// append hands a batch over. It may be on the disk even if that failed.
func (s *session) append(batch []Record) error {
	s.model.pending = batch
	return s.log.Append(batch)
}

// sync makes the pending batch certain.
func (s *session) sync() error {
	if err := s.log.Sync(); err != nil {
		return err
	}
	s.settle()
	return nil
}

// snapshot makes the pending batch certain too.
func (s *session) snapshot() error {
	if err := s.log.Snapshot(); err != nil {
		return err
	}
	s.settle()
	return nil
}

func (s *session) settle() {
	s.model.synced = merged(s.model.synced, s.model.pending)
	s.model.pending = nil
}
