// SPDX-License-Identifier: Apache-2.0
// The functions PostgreSQL calls. What cannot be decoded is a warning and no rows, as with the
// PL/pgSQL functions that these stand in for; checksums are always verified.
#include "catalog/pg_type_d.h"
#include "chunk_columns.h"
#include "decode_scan.h"
#include "decoder.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

// A symbol per state of the format: a library that does not know digits has no vigil_..._2, so that
// version 1.1 cannot be put on top of it. Version 1.0 calls the names without a number.
PG_FUNCTION_INFO_V1(vigil_decode_chunk);
PG_FUNCTION_INFO_V1(vigil_decode_chunk_2);
PG_FUNCTION_INFO_V1(vigil_decode_page);
PG_FUNCTION_INFO_V1(vigil_chunk_columns);
PG_FUNCTION_INFO_V1(vigil_chunk_columns_2);
PG_FUNCTION_INFO_V1(vigil_crc32c);

void _PG_init(void);
void _PG_init(void) { VigilInstallDecodeScan(); }

// Interrupts are looked at once in so many samples.
#define SAMPLES_PER_CHECK 4096

static pg_crc32c Checksum(const uint8_t* data, size_t size) {
  pg_crc32c crc;
  INIT_CRC32C(crc);
  COMP_CRC32C(crc, data, size);
  FIN_CRC32C(crc);
  return crc;
}

static uint32_t StoredChecksum(const uint8_t* at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

// SQL has one NaN; the decoders in SQL give that one, so these do.
static double Value(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return isnan(value) ? get_float8_nan() : value;
}

// Rows of eight-byte columns without nulls differ in nothing but the values: one tuple is made and
// filled anew for each row. The store copies it, which is much cheaper than forming one.
typedef struct RowWriter {
  Tuplestorestate* store;
  HeapTuple tuple;
  Datum* columns;
} RowWriter;

static void OpenRows(ReturnSetInfo* result, RowWriter* rows) {
  Datum zeros[3] = {0, 0, 0};
  bool nulls[3] = {false, false, false};
  StaticAssertStmt(FLOAT8PASSBYVAL, "a float8 must fit into a Datum");
  Assert(result->setDesc->natts <= 3);
  rows->store = result->setResult;
  rows->tuple = heap_form_tuple(result->setDesc, zeros, nulls);
  rows->columns = (Datum*)((char*)rows->tuple->t_data + rows->tuple->t_data->t_hoff);
}

// Bits become values in their place; returns how many are left.
static uint32_t DropStale(uint32_t n, int64_t* times, uint64_t* bits) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const double value = Value(bits[i]);
    if (bits[i] == VIGIL_STALE_BITS) continue;
    times[kept] = times[i];
    memcpy(&bits[kept++], &value, sizeof(value));
  }
  return kept;
}

static const char* DecodeBytes(const bytea* data, int64_t min_time, VigilColumns* columns) {
  const uint8_t* bytes = (const uint8_t*)VARDATA_ANY(data);
  const size_t size = VARSIZE_ANY_EXHDR(data);
  VigilChunk chunk;
  const char* error;
  uint64_t* bits;
  columns->n = 0;
  if (size < 5) return "it ends too early";
  if (bytes[4] >> 4 == 5) return NULL;  // histograms
  if (Checksum(bytes + 4, size - 4) != StoredChecksum(bytes)) return "its checksum is wrong";
  error = VigilOpenChunk(bytes, size, &chunk);
  if (error != NULL) return error;
  if (chunk.n > columns->room) {
    const size_t room = chunk.n * sizeof(int64_t);
    columns->times = columns->room == 0 ? palloc(room) : repalloc(columns->times, room);
    columns->values = columns->room == 0 ? palloc(room) : repalloc(columns->values, room);
    columns->room = chunk.n;
  }
  bits = (uint64_t*)columns->values;
  error = VigilDecodeChunk(&chunk, min_time, columns->times, bits);
  if (error == NULL) columns->n = DropStale(chunk.n, columns->times, bits);
  return error;
}

void VigilDecodeColumns(const bytea* data, int64_t min_time, VigilColumns* columns) {
  const char* error = DecodeBytes(data, min_time, columns);
  CHECK_FOR_INTERRUPTS();
  if (error == NULL) return;
  ereport(WARNING, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("a chunk that begins at " INT64_FORMAT " cannot be decoded: %s",
                           min_time, error)));
}

// decode_chunk(min_time int8, data bytea) RETURNS TABLE (t int8, v float8), where the scan node
// does not stand in for it
Datum vigil_decode_chunk_2(PG_FUNCTION_ARGS) {
  ReturnSetInfo* result = (ReturnSetInfo*)fcinfo->resultinfo;
  VigilColumns columns = {0, 0, NULL, NULL};
  RowWriter rows;
  InitMaterializedSRF(fcinfo, 0);
  VigilDecodeColumns(PG_GETARG_BYTEA_PP(1), PG_GETARG_INT64(0), &columns);
  OpenRows(result, &rows);
  for (uint32_t i = 0; i < columns.n; ++i) {
    if (i % SAMPLES_PER_CHECK == 0) CHECK_FOR_INTERRUPTS();
    rows.columns[0] = Int64GetDatum(columns.times[i]);
    rows.columns[1] = Float8GetDatum(columns.values[i]);
    tuplestore_puttuple(rows.store, rows.tuple);
  }
  return (Datum)0;
}

Datum vigil_decode_chunk(PG_FUNCTION_ARGS) { return vigil_decode_chunk_2(fcinfo); }

// decode_page(page bytea, wanted int8[], t0 int8, t1 int8)
// RETURNS TABLE (series_id int8, t int8, v float8)
Datum vigil_decode_page(PG_FUNCTION_ARGS) {
  ReturnSetInfo* result = (ReturnSetInfo*)fcinfo->resultinfo;
  const bytea* page = PG_GETARG_BYTEA_PP(0);
  ArrayType* wanted = PG_GETARG_ARRAYTYPE_P(1);
  const int64_t t0 = PG_GETARG_INT64(2);
  const int64_t t1 = PG_GETARG_INT64(3);
  const uint8_t* bytes = (const uint8_t*)VARDATA_ANY(page);
  const size_t size = VARSIZE_ANY_EXHDR(page);
  size_t room = 64, count = 0;
  VigilPageSample* samples;
  const char* error = NULL;
  RowWriter rows;
  InitMaterializedSRF(fcinfo, 0);
  if (ARR_NDIM(wanted) == 0) return (Datum)0;
  if (ARR_NDIM(wanted) != 1 || ARR_HASNULL(wanted) || ARR_ELEMTYPE(wanted) != INT8OID) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the wanted series must be a plain array of int8")));
  }
  if (size > 0 && (bytes[0] == 2 || bytes[0] == 3)) return (Datum)0;  // histograms
  samples = palloc(room * sizeof(*samples));
  if (size < 6) {
    error = "it ends too early";
  } else if (Checksum(bytes + 5, size - 5) != StoredChecksum(bytes + 1)) {
    error = "its checksum is wrong";
  }
  while (error == NULL) {
    error = VigilDecodePage(bytes, size, (const int64_t*)ARR_DATA_PTR(wanted),
                            (size_t)ARR_DIMS(wanted)[0], samples, room, &count);
    if (count <= room) break;
    room = count;
    samples = repalloc_huge(samples, room * sizeof(*samples));
    CHECK_FOR_INTERRUPTS();
  }
  if (error != NULL) {
    ereport(WARNING, (errcode(ERRCODE_DATA_CORRUPTED),
                      errmsg("a journal page cannot be decoded: %s", error)));
    return (Datum)0;
  }
  CHECK_FOR_INTERRUPTS();
  OpenRows(result, &rows);
  for (size_t i = 0; i < count; ++i) {
    if (samples[i].bits == VIGIL_STALE_BITS || samples[i].time < t0 || samples[i].time > t1) {
      continue;
    }
    rows.columns[0] = Int64GetDatum(samples[i].series);
    rows.columns[1] = Int64GetDatum(samples[i].time);
    rows.columns[2] = Float8GetDatum(Value(samples[i].bits));
    tuplestore_puttuple(rows.store, rows.tuple);
  }
  return (Datum)0;
}

// A one-dimensional array of n items of eight bytes.
static Datum MakeArray(uint32_t n, Oid type, const void* items) {
  const size_t head = ARR_OVERHEAD_NONULLS(1), size = n * sizeof(Datum);
  ArrayType* array;
  if (n == 0) return PointerGetDatum(construct_empty_array(type));
  array = palloc(head + size);
  SET_VARSIZE(array, head + size);
  array->ndim = 1;
  array->dataoffset = 0;
  array->elemtype = type;
  ARR_DIMS(array)[0] = (int)n;
  ARR_LBOUND(array)[0] = 1;
  memcpy(ARR_DATA_PTR(array), items, size);
  return PointerGetDatum(array);
}

// chunk_columns(min_time int8, data bytea, OUT times int8[], OUT vals float8[])
Datum vigil_chunk_columns_2(PG_FUNCTION_ARGS) {
  VigilColumns columns = {0, 0, NULL, NULL};
  TupleDesc description;
  Datum row[2];
  bool nulls[2] = {false, false};
  if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "chunk_columns must return a row");
  }
  VigilDecodeColumns(PG_GETARG_BYTEA_PP(1), PG_GETARG_INT64(0), &columns);
  row[0] = MakeArray(columns.n, INT8OID, columns.times);
  row[1] = MakeArray(columns.n, FLOAT8OID, columns.values);
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), row, nulls));
}

Datum vigil_chunk_columns(PG_FUNCTION_ARGS) { return vigil_chunk_columns_2(fcinfo); }

// crc32c(d bytea, first int) RETURNS int8
Datum vigil_crc32c(PG_FUNCTION_ARGS) {
  const bytea* data = PG_GETARG_BYTEA_PP(0);
  const int32 first = PG_GETARG_INT32(1);
  const int32 size = (int32)VARSIZE_ANY_EXHDR(data);
  if (first < 0 || first > size) PG_RETURN_INT64(0);
  PG_RETURN_INT64(
      (int64)Checksum((const uint8_t*)VARDATA_ANY(data) + first, (size_t)(size - first)));
}
