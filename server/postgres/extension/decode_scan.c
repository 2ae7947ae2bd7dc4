// SPDX-License-Identifier: Apache-2.0
// See decode_scan.h.
#include "decode_scan.h"

#include "access/sysattr.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type_d.h"
#include "chunk_columns.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(vigil_decode_support);

// The planner's support function of decode_chunk() knows nothing that PostgreSQL does not; calling
// it loads this library, and by it the node finds out which functions it may stand in for.
Datum vigil_decode_support(PG_FUNCTION_ARGS) { PG_RETURN_POINTER(NULL); }

typedef struct DecodeScan {
  CustomScanState base;
  ExprState* min_time;
  ExprState* data;
  const bool* is_value;  // of each column of the rows: else it is the time
  bool opened;
  uint32_t next;
  VigilColumns columns;
} DecodeScan;

static set_rel_pathlist_hook_type previous_hook;

static void Open(DecodeScan* scan) {
  PlanState* plan = &scan->base.ss.ps;
  ExprContext* context = plan->ps_ExprContext;
  bool no_time, no_data;
  ResetExprContext(context);
  const Datum min_time = ExecEvalExprSwitchContext(scan->min_time, context, &no_time);
  const Datum data = ExecEvalExprSwitchContext(scan->data, context, &no_data);
  scan->opened = true;
  scan->next = 0;
  scan->columns.n = 0;
  if (no_time || no_data) return;  // the function is strict
  // What comes from TOAST is gone with the next chunk; the buffers serve all chunks.
  const MemoryContext before = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
  const bytea* bytes = DatumGetByteaPP(data);
  MemoryContextSwitchTo(plan->state->es_query_cxt);
  VigilDecodeColumns(bytes, DatumGetInt64(min_time), &scan->columns);
  MemoryContextSwitchTo(before);
}

// The slot's nulls were set to false once.
static TupleTableSlot* NextRow(ScanState* state) {
  DecodeScan* scan = (DecodeScan*)state;
  TupleTableSlot* slot = state->ss_ScanTupleSlot;
  const int columns = slot->tts_tupleDescriptor->natts;
  if (!scan->opened) Open(scan);
  ExecClearTuple(slot);
  if (scan->next == scan->columns.n) return slot;
  for (int i = 0; i < columns; ++i) {
    slot->tts_values[i] = scan->is_value[i] ? Float8GetDatum(scan->columns.values[scan->next])
                                            : Int64GetDatum(scan->columns.times[scan->next]);
  }
  ++scan->next;
  return ExecStoreVirtualTuple(slot);
}

static bool Recheck(ScanState* state, TupleTableSlot* slot) { return true; }

static TupleTableSlot* Exec(CustomScanState* state) {
  const PlanState* plan = &state->ss.ps;
  if (plan->qual == NULL && plan->ps_ProjInfo == NULL) return NextRow(&state->ss);
  return ExecScan(&state->ss, NextRow, Recheck);
}

static void Begin(CustomScanState* state, EState* estate, int flags) {
  DecodeScan* scan = (DecodeScan*)state;
  const CustomScan* plan = (CustomScan*)state->ss.ps.plan;
  const Oid function = intVal(linitial(plan->custom_private));
  TupleTableSlot* slot = state->ss.ss_ScanTupleSlot;
  const int columns = slot->tts_tupleDescriptor->natts;
  bool* is_value = palloc(columns * sizeof(bool));
#if PG_VERSION_NUM >= 160000
  const AclResult allowed =
      object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
#else
  const AclResult allowed = pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
#endif
  if (allowed != ACLCHECK_OK) aclcheck_error(allowed, OBJECT_FUNCTION, get_func_name(function));
  for (int i = 0; i < columns; ++i) {
    slot->tts_isnull[i] = false;
    is_value[i] = TupleDescAttr(slot->tts_tupleDescriptor, i)->atttypid == FLOAT8OID;
  }
  scan->is_value = is_value;
  scan->min_time = ExecInitExpr(linitial(plan->custom_exprs), &state->ss.ps);
  scan->data = ExecInitExpr(lsecond(plan->custom_exprs), &state->ss.ps);
}

static void Rescan(CustomScanState* state) {
  ((DecodeScan*)state)->opened = false;
  ExecScanReScan(&state->ss);
}

static void End(CustomScanState* state) {}

static const CustomExecMethods kExecMethods = {.CustomName = "VigilDecode",
                                               .BeginCustomScan = Begin,
                                               .ExecCustomScan = Exec,
                                               .EndCustomScan = End,
                                               .ReScanCustomScan = Rescan};

static Node* CreateState(CustomScan* plan) {
  DecodeScan* scan = (DecodeScan*)newNode(sizeof(DecodeScan), T_CustomScanState);
  scan->base.methods = &kExecMethods;
  return (Node*)scan;
}

static const CustomScanMethods kScanMethods = {.CustomName = "VigilDecode",
                                               .CreateCustomScanState = CreateState};

static FuncExpr* CallOf(const RangeTblEntry* entry) {
  return (FuncExpr*)((RangeTblFunction*)linitial(entry->functions))->funcexpr;
}

// The columns of the node's rows: just what is asked for, so that nothing is left to be projected,
// when that is plain columns and there is no filter; else both.
static List* Columns(Index rel, List* targets, List* filters) {
  List* columns = NIL;
  bool plain = filters == NIL;
  ListCell* cell;
  foreach (cell, targets) {
    const TargetEntry* target = lfirst(cell);
    plain = plain && IsA(target->expr, Var) && ((Var*)target->expr)->varno == rel;
  }
  if (plain) return (List*)copyObjectImpl(targets);
  for (int i = 1; i <= 2; ++i) {
    Var* var = makeVar(rel, i, i == 1 ? INT8OID : FLOAT8OID, -1, InvalidOid, 0);
    columns = lappend(columns, makeTargetEntry((Expr*)var, i, NULL, false));
  }
  return columns;
}

static Plan* MakePlan(PlannerInfo* root, RelOptInfo* rel, CustomPath* path, List* targets,
                      List* clauses, List* children) {
  const FuncExpr* call = CallOf(planner_rt_fetch(rel->relid, root));
  CustomScan* plan = makeNode(CustomScan);
  plan->scan.plan.targetlist = targets;
  plan->scan.plan.qual = extract_actual_clauses(clauses, false);
  plan->scan.scanrelid = 0;  // no table: the rows are what custom_scan_tlist says
  plan->flags = path->flags;
  plan->custom_scan_tlist = Columns(rel->relid, targets, plan->scan.plan.qual);
  plan->custom_exprs = (List*)copyObjectImpl(call->args);
  plan->custom_private = list_make1(makeInteger((int)call->funcid));
  plan->methods = &kScanMethods;
  return (Plan*)plan;
}

static const CustomPathMethods kPathMethods = {.CustomName = "VigilDecode",
                                               .PlanCustomPath = MakePlan};

// Whether the query wants the row as one value, which the node does not make.
static bool WantsWholeRow(const RelOptInfo* rel) {
  Bitmapset* columns = NULL;
  ListCell* cell;
  pull_varattnos((Node*)rel->reltarget->exprs, rel->relid, &columns);
  foreach (cell, rel->baserestrictinfo) {
    pull_varattnos((Node*)((RestrictInfo*)lfirst(cell))->clause, rel->relid, &columns);
  }
  return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, columns);
}

// decode_chunk(int8, bytea) of this library, alone and without WITH ORDINALITY.
static bool IsDecodeChunk(const RangeTblEntry* entry) {
  FmgrInfo support;
  Oid support_oid;
  if (entry->rtekind != RTE_FUNCTION || entry->funcordinality) return false;
  if (list_length(entry->functions) != 1 || !IsA(CallOf(entry), FuncExpr)) return false;
  support_oid = get_func_support(CallOf(entry)->funcid);
  if (support_oid == InvalidOid) return false;
  fmgr_info(support_oid, &support);
  return support.fn_addr == vigil_decode_support;
}

static void AddPath(PlannerInfo* root, RelOptInfo* rel, Index index, RangeTblEntry* entry) {
  CustomPath* path;
  if (previous_hook != NULL) previous_hook(root, rel, index, entry);
  if (!IsDecodeChunk(entry) || WantsWholeRow(rel)) return;
  path = makeNode(CustomPath);
  path->path.pathtype = T_CustomScan;
  path->path.parent = rel;
  path->path.pathtarget = rel->reltarget;
  path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
  path->path.parallel_safe = rel->consider_parallel;
  path->path.rows = rel->rows;
  // Below what the scan of a function costs; the filters cost the same for both.
  path->path.startup_cost = rel->baserestrictcost.startup;
  path->path.total_cost =
      path->path.startup_cost + (cpu_operator_cost + rel->baserestrictcost.per_tuple) * rel->tuples;
  path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
  path->methods = &kPathMethods;
  add_path(rel, (Path*)path);
}

void VigilInstallDecodeScan(void) {
  RegisterCustomScanMethods(&kScanMethods);
  previous_hook = set_rel_pathlist_hook;
  set_rel_pathlist_hook = AddPath;
}
