package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	fileMagic   = "ordealog"
	fileVersion = 1
	// fileHeaderFixedBytes is the header up to its names, checksumBytes what follows them.
	fileHeaderFixedBytes = 40
	checksumBytes        = 4
	// snapshotMaxBytes is more than any snapshot has, and far from where offsets overflow.
	snapshotMaxBytes = 1 << 40
)

// castagnoli is the polynomial of CRC32C, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header opens the file: whose it is, which of the disk's lives and files this is, and how much
// of what follows is the snapshot.
type header struct {
	identity Identity
	// boot is the boot number of the life that wrote the file, 0 for Format.
	boot uint64
	// generation counts the files that the disk has held, so that no two have the same header.
	generation uint64
	// snapshotBytes is the length of the batches after the header that were synced with it.
	snapshotBytes uint64
}

// bytes is the encoded length.
func (h header) bytes() int64 {
	return int64(fileHeaderFixedBytes + len(h.identity.Cluster) + len(h.identity.Node) + checksumBytes)
}

// encode returns the header as it stands in the file (FORMAT.md, "The file").
func (h header) encode() []byte {
	data := make([]byte, 0, h.bytes())
	data = append(data, fileMagic...)
	data = binary.LittleEndian.AppendUint32(data, fileVersion)
	data = binary.LittleEndian.AppendUint16(data, uint16(len(h.identity.Cluster)))
	data = binary.LittleEndian.AppendUint16(data, uint16(len(h.identity.Node)))
	data = binary.LittleEndian.AppendUint64(data, h.boot)
	data = binary.LittleEndian.AppendUint64(data, h.generation)
	data = binary.LittleEndian.AppendUint64(data, h.snapshotBytes)
	data = append(data, h.identity.Cluster...)
	data = append(data, h.identity.Node...)
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

// start is the position right after the header. The header's checksum is the seed of every batch's
// and the first link of the chain.
func (h header) start() position {
	data := h.encode()
	seed := binary.LittleEndian.Uint32(data[len(data)-checksumBytes:])
	return position{seed: seed, offset: int64(len(data)), running: seed}
}

// readHeader reads the header of a file. No crash can damage it, since the file had no name before
// it was synced: whatever is wrong with it is a DamageError.
func readHeader(in io.Reader) (header, error) {
	damaged := func(format string, arguments ...any) (header, error) {
		return header{}, &DamageError{File: logName, Reason: fmt.Sprintf(format, arguments...)}
	}
	fixed := make([]byte, fileHeaderFixedBytes)
	if err := readFull(in, fixed); err != nil {
		return header{}, err
	}
	if !bytes.Equal(fixed[:8], []byte(fileMagic)) {
		return damaged("it does not begin like a log")
	}
	if version := binary.LittleEndian.Uint32(fixed[8:]); version != fileVersion {
		return damaged("its version is %d, and this program knows only %d", version, fileVersion)
	}
	cluster := int(binary.LittleEndian.Uint16(fixed[12:]))
	node := int(binary.LittleEndian.Uint16(fixed[14:]))
	if cluster > IdentityMaxBytes || node > IdentityMaxBytes {
		return damaged("its names have %d and %d bytes", cluster, node)
	}
	rest := make([]byte, cluster+node+checksumBytes)
	if err := readFull(in, rest); err != nil {
		return header{}, err
	}
	names, checksum := rest[:cluster+node], binary.LittleEndian.Uint32(rest[cluster+node:])
	if crc32.Update(crc32.Checksum(fixed, castagnoli), castagnoli, names) != checksum {
		return damaged("the checksum of its header does not hold")
	}
	snapshotBytes := binary.LittleEndian.Uint64(fixed[32:])
	if snapshotBytes > snapshotMaxBytes {
		return damaged("its snapshot has %d bytes", snapshotBytes)
	}
	return header{
		identity:      Identity{Cluster: string(names[:cluster]), Node: string(names[cluster:])},
		boot:          binary.LittleEndian.Uint64(fixed[16:]),
		generation:    binary.LittleEndian.Uint64(fixed[24:]),
		snapshotBytes: snapshotBytes,
	}, nil
}

// readFull fills p; an end of the file before that is damage.
func readFull(in io.Reader, p []byte) error {
	_, err := io.ReadFull(in, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &DamageError{File: logName, Reason: "it ends inside its header"}
	}
	if err != nil {
		return fmt.Errorf("wal: read %s: %w", logName, err)
	}
	return nil
}
