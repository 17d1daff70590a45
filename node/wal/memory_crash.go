package wal

import (
	"maps"
	"slices"
)

// A Crash decides what of the unsynced a crash of the machine leaves. The zero value leaves none of
// it.
type Crash struct {
	// Tail returns what remains of the bytes that were written to a file since its last sync, for
	// each file that has such: none, some, all, or others in their place. It may change unsynced.
	Tail func(file string, unsynced []byte) []byte
	// Keep tells of each name that changed since the directory was synced whether the change
	// remains: the new file, or none, in the place of the old one, or of none.
	Keep func(name string) bool
}

// CrashProcess ends every process that uses the disk. What was written stays, synced or not: the
// operating system has it. Files that were open are of no use any more.
func (d *MemoryDisk) CrashProcess() { d.life++ }

// CrashMachine ends every process and forgets what was not synced, but for what crash leaves of
// it. It asks in the order of the names. What is there afterwards is durable.
func (d *MemoryDisk) CrashMachine(crash Crash) {
	d.life++
	names := maps.Clone(d.durable)
	if names == nil {
		names = map[string]*content{}
	}
	maps.Copy(names, d.entries)
	survivors := map[string]*content{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		entry, was := d.entries[name], d.durable[name]
		if entry != was && (crash.Keep == nil || !crash.Keep(name)) {
			entry = was
		}
		if entry != nil {
			survivors[name] = entry.afterCrash(name, crash)
		}
	}
	d.entries, d.durable = survivors, maps.Clone(survivors)
}

// afterCrash is what the crash of the machine leaves of a file.
func (c *content) afterCrash(name string, crash Crash) *content {
	data := slices.Clone(c.data[:c.synced])
	if crash.Tail != nil && c.synced < len(c.data) {
		data = append(data, crash.Tail(name, slices.Clone(c.data[c.synced:]))...)
	}
	return &content{data: data, synced: len(data)}
}
