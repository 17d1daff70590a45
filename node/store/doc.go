// Package store says how what a replica wants to be durable stands in a log: a Persist is a record
// of package wal, whose key and value are those of package paxos's codec. It decides nothing and
// has no effect: whoever carries out the contract of replica.Replica.Step, over a real disk or over
// one in virtual time, encodes with it what it appends and decodes with it what it recovered.
//
//	queue of replica.Persist ── Encoder ──► []wal.Record ──► wal.Log.Append
//	                         ── MustSync ───► bool ──────────► wal.Log.Sync
//	replica.New ◄── Acceptors ◄── wal.Recovered.Records ◄── wal.Open
package store
