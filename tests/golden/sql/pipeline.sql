SELECT
  *
FROM (
  SELECT
    "t4"."period",
    CAST(SUM("t4"."amount") AS DECIMAL(28, 6)) AS "pipeline_value",
    SUM(CASE WHEN "t4"."amount" <> 0 THEN 1 ELSE 0 END) AS "pipeline_value__rows",
    CAST(SUM("t4"."weighted") AS DECIMAL(28, 6)) AS "weighted_pipeline",
    SUM(CASE WHEN "t4"."weighted" <> 0 THEN 1 ELSE 0 END) AS "weighted_pipeline__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."deal_id",
      "t2"."account",
      "t2"."status",
      "t2"."origin",
      "t2"."currency",
      "t2"."amount",
      "t2"."weighted",
      "t2"."left_out",
      "t2"."day",
      "t2"."met",
      "t2"."from_day",
      "t2"."until_day",
      "t2"."channel",
      "t2"."campaign",
      "t2"."rule",
      "t2"."country",
      "t2"."persona",
      "t2"."cohort",
      "t2"."term",
      "t3"."period",
      "t3"."opening_day",
      "t3"."last_day",
      "t3"."first_day",
      "t3"."end_day"
    FROM "deal_rows" AS "t2"
    INNER JOIN "edges" AS "t3"
      ON "t2"."from_day" <= "t3"."last_day" AND "t2"."until_day" > "t3"."last_day"
  ) AS "t4"
  GROUP BY
    1
) AS "t5";
